"""What leaves the supervisor: JSON lines on one descriptor, and exceptions, values and output cut to size.

Standard library only, CPython 3.6 to 3.14.
"""

import json
import os
import sys
import time
import traceback

import harness

MESSAGE = 2000
TEXT = 8000
FRAMES = 50
OUTPUT = 4000
CAPTURED = 16 * 1024
VALUE = 8 * 1024
WARNINGS = 20

_HERE = os.path.dirname(os.path.abspath(__file__))
_STDLIB = os.path.dirname(os.path.abspath(os.__file__))


class Channel(object):
    """Writes events to `fd`, numbered from 0, with the seconds since the channel was made."""

    def __init__(self, fd, heartbeat):
        self.fd = fd
        self.heartbeat = heartbeat
        self.started = time.monotonic()
        self.number = 0
        self.next_beat = self.started + heartbeat

    def emit(self, event, **fields):
        now = time.monotonic()
        line = {"seq": self.number, "t": round(now - self.started, 3), "event": event}
        line.update(fields)
        self.number += 1
        self.next_beat = now + self.heartbeat
        left = json.dumps(line, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
        while left:
            left = left[os.write(self.fd, left) :]

    def beat(self):
        """Sends a heartbeat where nothing else was sent for that long."""
        if time.monotonic() >= self.next_beat:
            self.emit("heartbeat")


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
            frames.append({"file": relative(entry[0]), "line": entry[1] or 0, "function": entry[2]})
    if len(frames) > FRAMES:
        frames = frames[:10] + frames[10 - FRAMES :]
    return {
        "type": _qualified(type(exception)),
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
    size = len(json.dumps(turned))
    if size > VALUE:
        raise BadValue("the value takes %d bytes as JSON, %d are allowed" % (size, VALUE))
    return turned


def _turn(value, depth):
    if depth > 20:
        raise BadValue("the value is nested too deep")
    if value is None or isinstance(value, (bool, str)):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, int):
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
