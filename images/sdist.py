"""Fetches one file of a simple index by its name and sha256; standard library only, CPython 3.6 and later.

    sdist.py NAME FILENAME SHA256 FOLDER

Exit status 1: not fetched, or not the bytes that were locked.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import indexes


def main(name, filename, sha256, folder):
    try:
        os.makedirs(folder, exist_ok=True)
        indexes.download(indexes.find(name, filename), os.path.join(folder, filename), sha256)
    except (OSError, LookupError, ValueError) as error:
        print("sdist.py: %s" % error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
