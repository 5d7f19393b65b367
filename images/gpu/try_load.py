"""Loads shared objects one after the other, as TensorFlow does, and prints the loader's words on each: a process of
its own, for a damaged file can end it.

    python try_load.py FIRST LAST …

Every symbol is resolved at once (RTLD_NOW). One line of JSON per file, [path, words], "" for one that loaded; the line
is printed before the next file is touched. Standard library only, CPython 3.6 to 3.14.
"""

import ctypes
import json
import os
import sys


def main(paths):
    for path in paths:
        try:
            ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
            words = ""
        except OSError as error:
            words = str(error)
        print(json.dumps([path, words]))
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
