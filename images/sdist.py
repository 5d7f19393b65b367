"""Fetches one file of a simple index by its name and sha256; standard library only, CPython 3.6 and later.

    sdist.py fetch NAME FILENAME SHA256 FOLDER
    sdist.py answers NAME

Exit status 1: not fetched, or not the bytes that were locked.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import indexes


def fetch(name, filename, sha256, folder):
    """Writes folder/filename when its sha256 is the one given; raises OSError, ValueError or LookupError."""
    url = indexes.find(name, filename)
    os.makedirs(folder, exist_ok=True)
    indexes.download(url, os.path.join(folder, filename), sha256)


def main(arguments):
    known = indexes.host()
    try:
        if arguments[0] == "fetch":
            fetch(*arguments[1:])
        else:
            for number in range(len(known.roots)):
                indexes.patiently(lambda n=number: known.page(n, arguments[1]))
    except (OSError, LookupError, ValueError) as error:
        print("sdist.py: %s" % error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
