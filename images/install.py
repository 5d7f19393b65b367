"""Installs wheels, each the very bytes that were locked: nothing is fetched, and nothing of a package is run.

    python -I -S install.py ENVIRONMENT CACHE LAYER.txt
    python -I -S install.py ENVIRONMENT BUILT

A line of LAYER.txt is `SHA256  FILENAME`, as sha256sum writes it; the file is CACHE/SHA256/FILENAME. In BUILT are the
wheels that were built from source, BUILT/*/*.whl, and beside each what it is and was built from.

Why neither uv nor pip: both start the environment's interpreter, and with it whatever installed packages hook into its
start. Follows the specifications of PyPA: binary distribution format, entry points, recording installed projects.
Standard library only, CPython 3.6 and later. Exit status:

    42  a wheel can't be installed: what is wrong with it is said
    45  the machine's own trouble
    46  a wheel is not in the cache, or is not the one that was locked
"""

import errno
import glob
import hashlib
import importlib.util
import marshal
import os
import re
import resource
import signal
import struct
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import unpack
from wheels import Unfit, Wheel, site_packages, write

COMPILED = "compiled.txt"
"""In an environment: what was built from which source."""
SECONDS = 1200
"""Of a processor, that one process may take; the largest wheels take a hundredth."""
_ITS_OWN = (errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR)
"""What a name in a wheel can do to a file system that is in order."""
_TESTS = re.compile(r"/tests?/")
_MAGIC = importlib.util.MAGIC_NUMBER + (b"\0\0\0\0" if sys.version_info >= (3, 7) else b"")  # PEP 552
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._+!-]*\.whl)")
_BUILT = re.compile(r"\S+ ([A-Za-z0-9][A-Za-z0-9._+!-]*\.whl) sha256:([0-9a-f]{64})")


class Missing(Exception):
    """A wheel is not there, or is another."""


def listed(cache, path):
    """(path, sha256) of each wheel of a layer."""
    with open(path) as file:
        found = [_LINE.fullmatch(line.rstrip("\n")) for line in file]
    return [(os.path.join(cache, *line.groups()), line.group(1)) for line in found]


def built(folder, environment):
    """The same of wheels that were built from source; what was built from what goes on record in the environment."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*", COMPILED))):
        with open(path) as file, open(os.path.join(environment, COMPILED), "a") as record:
            for line in file:
                filename, sha256 = _BUILT.fullmatch(line.rstrip("\n")).groups()
                found.append((os.path.join(os.path.dirname(path), filename), sha256))
                record.write(line)
    return found


def verify(named):
    """Raises Missing unless each path holds the bytes it should."""

    def check(pair):
        path, sha256 = pair
        total = hashlib.sha256()
        try:
            with open(path, "rb") as file:
                for piece in iter(lambda: file.read(1024**2), b""):
                    total.update(piece)
        except FileNotFoundError:
            raise Missing("%s is not in the cache" % os.path.basename(path)) from None
        if total.hexdigest() != sha256:
            raise Missing("%s in the cache has sha256 %s" % (os.path.basename(path), total.hexdigest()))

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(unpack.processors()) as pool:  # hashing lets go of the interpreter's lock
        list(pool.map(check, named))


def install(paths, environment):
    """Unpacks verified wheels into an environment, and compiles them. Raises Unfit and OSError.

    Where two have a file of the same name, the later one's stays.
    """
    warnings.simplefilter("ignore")  # of sources that are compiled
    layer = [Wheel(path, environment) for path in paths]
    unpack.check_size(layer)
    unpack.unpack(layer, _compiler(site_packages(environment) + os.sep))
    for wheel in layer:
        wheel.finish()


def _compiler(site):
    """What makes bytecode beside a file that is Python and belongs to a package; tests of packages are left out."""

    def compile_(path):
        if not path.endswith(".py") or not path.startswith(site) or _TESTS.search(path, len(site) - 1):
            return
        with open(path, "rb") as file:
            source, about = file.read(), os.fstat(file.fileno())
        try:
            code = marshal.dumps(compile(source, path, "exec", dont_inherit=True))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return  # no Python of this version: importing it says so, bytecode or not
        when = struct.pack("<LL", int(about.st_mtime) & 0xFFFFFFFF, about.st_size & 0xFFFFFFFF)
        try:
            write(importlib.util.cache_from_source(path), _MAGIC + when + code, 0o644)
        except OSError as error:
            if error.errno not in _ITS_OWN:  # a full disk, which would leave half of it
                raise

    return compile_


def _too_long(*_):
    raise Unfit("a wheel takes more than %d seconds of a processor to install" % SECONDS)


def main(arguments):
    try:
        environment, *rest = arguments
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 10))
        signal.signal(signal.SIGXCPU, _too_long)
        named = listed(*rest) if len(rest) == 2 else built(rest[0], environment)
        verify(named)
        install([path for path, _ in named], environment)
    except Missing as error:
        print("install.py: %s" % error)
        return 46
    except (Unfit, ValueError) as error:
        print("install.py: %s" % error)
        return 42
    except OSError as error:
        print("install.py: %s" % error)
        return 42 if error.errno in _ITS_OWN else 45
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
