"""What a result goes through on its way out of a probe's process: nothing that a package may have replaced.

A start-up file of any package (`.pth`, `sitecustomize`) runs before the harness does, and what is imported for a probe
runs before its result is written. So nothing is looked up in `os`, `json` or `builtins` when it counts: the functions
of the interpreter itself are fetched anew when this module is loaded, and JSON is put together here.

Standard library only, CPython 3.6 to 3.14.
"""

import _frozen_importlib
import sys


def _anew(name):
    """A built-in module as the interpreter makes it; the one that others have imported stays what it is."""
    others = sys.modules.pop(name, None)
    try:
        spec = _frozen_importlib.BuiltinImporter.find_spec(name)
        module = _frozen_importlib.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.modules.pop(name, None)
        if others is not None:
            sys.modules[name] = others
    return module


_posix, _time = _anew("posix"), _anew("time")
leave, own_id, fork, clock, names = _posix._exit, _posix.getpid, _posix.fork, _time.monotonic, _posix.listdir
open_, write_, close, rename, mkdir, wait = (
    _posix.open, _posix.write, _posix.close, _posix.rename, _posix.mkdir, _posix.waitpid,
)  # fmt: skip
READ, WRITE, NOHANG = _posix.O_RDONLY | _posix.O_CLOEXEC, _posix.O_WRONLY | _posix.O_CLOEXEC, _posix.WNOHANG
_MAKE = WRITE | _posix.O_CREAT | _posix.O_TRUNC | _posix.O_NOFOLLOW

_text, _integer, _number, _list, _tuple, _dict, _isinstance = str, int, float, list, tuple, dict, isinstance
_ESCAPES = {number: "\\u%04x" % number for number in range(32)}
_ESCAPES.update({ord('"'): '\\"', ord("\\"): "\\\\"})


def encode(value):
    """`value` as JSON in UTF-8; a surrogate without its other half stays an escape.

    Raises ValueError for what JSON does not have.
    """
    pieces = []
    _encode(value, pieces.append)
    return b"".join(pieces)


def _encode(value, add):
    if value is None:
        add(b"null")
    elif value is True or value is False:
        add(b"true" if value else b"false")
    elif _isinstance(value, _text):
        add(b'"' + _text.translate(value, _ESCAPES).encode("utf-8", "backslashreplace") + b'"')
    elif _isinstance(value, _integer):
        add(_integer.__repr__(value).encode("ascii"))
    elif _isinstance(value, _number) and value - value == 0:
        add(_number.__repr__(value).encode("ascii"))
    elif _isinstance(value, (_list, _tuple)):
        _between(b"[", [(None, item) for item in value], b"]", add)
    elif _isinstance(value, _dict):
        _between(b"{", _dict.items(value), b"}", add)
    else:
        raise ValueError("JSON has no %s" % type(value).__name__)


def _between(opening, items, closing, add):
    add(opening)
    between = b""
    for key, item in items:
        add(between)
        between = b", "
        if key is not None:
            _encode(key, add)
            add(b": ")
        _encode(item, add)
    add(closing)


def say(fd, content):
    """Writes all of `content`."""
    while content:
        content = content[write_(fd, content) :]


def put(path, content):
    """Writes a file whole or not at all. Raises OSError."""
    fd = open_(path + ".part", _MAKE, 0o600)
    try:
        say(fd, content)
    finally:
        close(fd)
    rename(path + ".part", path)
