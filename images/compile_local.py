"""Builds a wheel from an archive of sources that lies beside this program, as `compile.py` does from one of an index.

    compile_local.py NAME FILENAME SHA256 BYTES

What it writes and how it ends: see there. Equal sources have a chance of an equal wheel: no time of today gets into it.
"""

import hashlib
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import compile as compiling  # noqa: E402 - found beside this program


def beside(_name, filename, sha256):
    """The path of the archive, which has that sha256; raises OSError or ValueError."""
    path = os.path.join(HERE, filename)
    with open(path, "rb") as source:
        if hashlib.sha256(source.read()).hexdigest() != sha256:
            raise ValueError("%s is another file than the one that was locked" % filename)
    return path


if __name__ == "__main__":
    os.environ["SOURCE_DATE_EPOCH"] = "315532800"  # 1980: the oldest time that a wheel can hold
    compiling.OUT = os.path.join(tempfile.mkdtemp(), "out")
    compiling.fetch = beside
    sys.exit(compiling.main(*sys.argv[1:]))
