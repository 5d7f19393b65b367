"""Builds a wheel from one source distribution, in a container whose process 1 is `sandbox.py`; CPython 3.6 and later.

    compile.py NAME FILENAME SHA256 BYTES

Writes the wheel to stdout: a line `wheel FILENAME SIZE SHA256`, its bytes in base64, a line `end`. What the build says
goes to stderr. Whoever reads this must take it for the package's own words: its code runs here, beside this program.
    43  the source could not be fetched, or is not the one that was locked
    44  it was fetched and does not build one wheel of at most BYTES
"""

import base64
import hashlib
import os
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import indexes

indexes.PAUSES = ()  # the proxy tries again where that may help
NOT_FETCHED, NOT_BUILT = 43, 44
SOURCE, OUT = "/tmp/source", "/tmp/out"
_ENTRIES = 16
_CHUNK = 57 * 1024
"""Divides by three, so that lines of base64 can be read one by one."""


def fetch(name, filename, sha256):
    """The path of the source, which has that sha256; raises OSError or ValueError."""
    os.makedirs(SOURCE)
    path = os.path.join(SOURCE, filename)
    indexes.download("%s/any/file/%s/%s" % (os.environ["COMPAT_INDEX"], name, filename), path, sha256)
    return path


def only_wheel(folder):
    """The name of the one wheel in a folder; raises ValueError where there is none, or more, or something else."""
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > _ENTRIES:
                raise ValueError("the build left more than %d files beside its wheel" % _ENTRIES)
    wheels = [name for name in names if name.endswith(".whl")]
    if len(wheels) != 1:
        raise ValueError("the build left %d wheels" % len(wheels))
    return wheels[0]


def write(folder, name, most, out):
    """The wheel as lines; raises OSError or ValueError."""
    handle = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as source:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise ValueError("the wheel is no file of at most %d bytes" % most)
        content = source.read(most)
    out.write(("wheel %s %d %s\n" % (name, len(content), hashlib.sha256(content).hexdigest())).encode())
    for start in range(0, len(content), _CHUNK):
        out.write(base64.b64encode(content[start : start + _CHUNK]) + b"\n")
    out.write(b"end\n")
    out.flush()


def main(name, filename, sha256, most):
    try:
        path = fetch(name, filename, sha256)
    except (OSError, ValueError) as error:
        print("compile.py: %s" % error, file=sys.stderr, flush=True)
        return NOT_FETCHED
    command = ["uv", "build", "--wheel", "--no-cache", "--out-dir", OUT, path]
    if subprocess.call(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()) != 0:
        return NOT_BUILT
    try:
        write(OUT, only_wheel(OUT), int(most), sys.stdout.buffer)
    except (OSError, ValueError) as error:
        print("compile.py: %s" % error, file=sys.stderr, flush=True)
        return NOT_BUILT
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
