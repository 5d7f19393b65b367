"""What is told of a probe: exceptions, values and output, cut to size. `results` holds whoever tells it to these sizes.

Standard library only, CPython 3.6 to 3.14.
"""

import os
import sys
import traceback

import harness
import own

MESSAGE = 2000
TEXT = 8000
FRAMES = 50
OUTPUT = 4000
CAPTURED = 16 * 1024
VALUE = 8 * 1024
DEPTH = 20
WARNINGS = 20
WARNING = 1000
NAME = 300
"""Characters of a file's, a function's or a type's name."""

_HERE = os.path.dirname(os.path.abspath(__file__))
_STDLIB = os.path.dirname(os.path.abspath(os.__file__))


def cut(text, limit):
    """`text` of at most `limit` characters: a quarter from its beginning, the rest from its end."""
    if len(text) <= limit:
        return text
    mark = "\n[... %d characters cut ...]\n" % (len(text) - limit)
    head = limit // 4
    return text[:head] + mark + text[len(text) - (limit - head - len(mark)) :]


def relative(path):
    """A file name that is equal across cells: relative to site-packages, the probes or the standard library."""
    path = os.path.abspath(path) if os.path.exists(path) else path
    for mark in ("/site-packages/", "/dist-packages/"):
        if mark in path:
            return path.split(mark)[-1]
    for root, name in ((_HERE, "probes"), (_STDLIB, "<stdlib>")):
        if path.startswith(root + os.sep):
            return name + path[len(root) :]
    return path


def _ours(path):
    return os.path.basename(path) in harness.HARNESS_FILES and os.path.dirname(os.path.abspath(path)) == _HERE


def _message(exception):
    try:
        return cut(str(exception), MESSAGE)
    except Exception as trouble:
        return "(its message can't be read: %s)" % type(trouble).__name__


def _qualified(kind):
    if kind.__module__ in ("builtins", "exceptions"):
        return kind.__name__
    return "%s.%s" % (kind.__module__, getattr(kind, "__qualname__", kind.__name__))


def _text(exception, trace):
    while trace is not None and _ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    try:
        return cut("".join(traceback.format_exception(type(exception), exception, trace)), TEXT)
    except Exception as trouble:
        return "(its traceback can't be formatted: %s)" % type(trouble).__name__


def describe(exception):
    """An exception as the wire has it: qualified type, message, frames outermost first without ours, text."""
    frames = []
    for entry in traceback.extract_tb(exception.__traceback__):
        if not _ours(entry[0]):
            file, function = cut(relative(entry[0]), NAME), cut(entry[2], NAME)
            frames.append({"file": file, "line": entry[1] or 0, "function": function})
    if len(frames) > FRAMES:
        frames = frames[:10] + frames[10 - FRAMES :]
    return {
        "type": cut(_qualified(type(exception)), NAME),
        "message": _message(exception),
        "frames": frames,
        "text": _text(exception, exception.__traceback__),
    }


class BadValue(Exception):
    """A probe returned what is no small JSON value."""


def plain(value):
    """`value` as JSON has it: numpy scalars, arrays and tuples turned, NaN and infinities as the words for them.

    Raises BadValue for anything else, and for more than 8 KiB.
    """
    turned = _turn(value, 0)
    size = len(own.encode(turned))
    if size > VALUE:
        raise BadValue("the value takes %d bytes as JSON, %d are allowed" % (size, VALUE))
    return turned


def _turn(value, depth):
    if depth > DEPTH:
        raise BadValue("the value is nested too deep")
    if value is None or isinstance(value, (bool, str)):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise BadValue("a whole number of more than 64 bits is no small value")
        return int(value)
    if isinstance(value, float):
        value = float(value)
        return value if value - value == 0 else repr(value)
    if isinstance(value, (list, tuple)):
        return [_turn(item, depth + 1) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise BadValue("the keys of a value's dictionary must be strings")
        return {str(key): _turn(value[key], depth + 1) for key in value}
    if hasattr(value, "numpy") and not isinstance(value, type):
        value = value.numpy()
    if hasattr(value, "tolist"):
        return _turn(value.tolist(), depth + 1)
    raise BadValue("%s is no JSON value" % _qualified(type(value)))


def python_version():
    return ".".join(str(part) for part in sys.version_info[:3])
