"""Fetches wheels into the cache that installing reads: only what its sha256 vouches for, read again where it is there.

    python -I -S fetch.py CACHE WHEELS.txt [LOCAL]

A line of WHEELS.txt is `SHA256  FILENAME`, as sha256sum writes it; the file becomes CACHE/SHA256/FILENAME.
What lies under that name in LOCAL, by default `local` beside this program, is copied from there.
Standard library only, CPython 3.6 and later. Exit status 41: one could not be had, or is another than was locked.
"""

import hashlib
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import indexes

AT_A_TIME = 8


def fetch(cache, line, local):
    """Sees to one file. Returns what is wrong, "" for nothing."""
    sha256, _, filename = line.partition("  ")
    folder = os.path.join(cache, sha256)
    path = os.path.join(folder, filename)
    if _sha256(path) == sha256:
        return ""
    if os.path.exists(path):
        print("fetch.py: %s in the cache is another: fetched anew" % filename, flush=True)
    try:
        os.makedirs(folder, exist_ok=True)
        own = os.path.join(local, sha256, filename)
        if os.path.exists(own):
            return copy(own, path, sha256)
        indexes.download(indexes.find(filename.split("-")[0], filename), path, sha256)
    except (OSError, LookupError, ValueError) as error:
        return "%s: %s" % (filename, error)
    return ""


def copy(own, path, sha256):
    """Copies a file that no index has. Returns what is wrong, "" for nothing."""
    fresh = "%s.%d" % (path, os.getpid())
    shutil.copyfile(own, fresh)
    if _sha256(fresh) != sha256:
        os.remove(fresh)
        return "%s: another file than the one that was locked" % os.path.basename(path)
    os.rename(fresh, path)
    return ""


def _sha256(path):
    """The sha256 of a file, "" where there is none."""
    total = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for piece in iter(lambda: file.read(1024**2), b""):
                total.update(piece)
    except OSError:
        return ""
    return total.hexdigest()


def main(arguments):
    cache, listed = arguments[:2]
    local = arguments[2] if len(arguments) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "local")
    with open(listed) as file:
        lines = file.read().splitlines()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        wrong = [said for said in pool.map(lambda line: fetch(cache, line, local), lines) if said]
    for said in wrong:
        print("fetch.py: %s" % said, flush=True)
    return 41 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
