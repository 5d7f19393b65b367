"""What processes of probes tell, taken as what anybody may have written: read in bounds, checked field by field.

Standard library only, CPython 3.6 to 3.14.
"""

import json
import os
import signal
import stat

import events
import processes
import warm

BUDGET = "cell-budget"
DIED = ("signal", "timeout", "exited", "oom")
"""Endings that say nothing yet: what a process of its own does counts."""
SIZE = 512 * 1024
"""Bytes that a result, or a line of what a process tells, may have."""
SECONDS = 1e6
DIGITS = 40


class Invalid(Exception):
    """Something is not what the harness writes; the message says what."""


def read(name, directory, limit, end=False):
    """The content of a regular file `name` in the directory that the descriptor `directory` is of, or its end.

    Waits for nothing and follows no link. Raises OSError, and Invalid for what is no file or larger than `limit`.
    """
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=directory)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise Invalid("it is no file")
        if end:
            os.lseek(fd, max(found.st_size - limit, 0), os.SEEK_SET)
        elif found.st_size > limit:
            raise Invalid("it has %d bytes" % found.st_size)
        pieces = []
        while limit > 0:
            piece = os.read(fd, min(limit, 65536))
            if not piece:
                break
            pieces.append(piece)
            limit -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(fd)


def document(content):
    """JSON, strictly: no constants of JavaScript's. Raises Invalid."""
    try:
        text = content.decode("utf-8")
        return json.loads(text, parse_constant=_refuse, parse_int=_whole, parse_float=_fraction)
    except (ValueError, RecursionError) as trouble:
        raise Invalid("it is no JSON (%s)" % type(trouble).__name__)


def _refuse(word):
    raise ValueError(word)


def _whole(digits):
    return int(digits) if len(digits) <= DIGITS else _refuse("long")  # older Pythons take seconds for a long one


def _fraction(digits):
    return float(digits) if len(digits) <= DIGITS else _refuse("long")


def of(place, token, folder=""):
    """The result in a place, or in a folder of it: (fields of `ended`, or None; why what is there is not valid)."""
    try:
        content = place.read(warm.RESULT, SIZE, folder)
        return outcome(document(content), token), ""
    except FileNotFoundError:
        return None, ""
    except OSError as trouble:
        return None, "its result can't be read: %s" % trouble.strerror
    except Invalid as trouble:
        return None, "its result is not the harness's: %s" % trouble


def outcome(told, token=None):
    """What a process says of how its probe, or an import, ended: the fields it may tell, each of its type and size.

    Raises Invalid. That a process was killed, hung or ran out of memory is never its own to say.
    """
    _require(isinstance(told, dict), "it is no object")
    _require(token is None or told.get("token") == token, "it does not name the token it was asked with")
    ended = told.get("ended")
    _require(ended in ("returned", "raised", "skipped"), "it says that it ended as %.40r" % (ended,))
    found = {
        "ended": ended,
        "within": text(told.get("within", ""), events.NAME),
        "warnings": warnings(told.get("warnings", [])),
        "seconds": seconds(told.get("seconds", 0.0)),
    }
    if ended == "skipped":
        found["reason"] = text(told.get("reason", ""), events.MESSAGE)
    if ended == "returned":
        found["value"] = value(told.get("value"))
    if ended == "raised" or told.get("exception") is not None:
        found["exception"] = exception(told.get("exception"))
    return found


def _require(condition, otherwise):
    if not condition:
        raise Invalid(otherwise)


def text(told, limit):
    """A text, cut to size; half a surrogate pair, which no encoding has, becomes a question mark."""
    _require(isinstance(told, str), "a text is %.40r" % (told,))
    return events.cut(told, limit).encode("utf-8", "replace").decode("utf-8")


def seconds(told):
    known = isinstance(told, (int, float)) and not isinstance(told, bool)
    _require(known and 0 <= told <= SECONDS, "seconds are %.40r" % (told,))
    return float(told)


def warnings(told):
    """A list of texts, as many as are kept."""
    _require(isinstance(told, list) and len(told) <= events.WARNINGS, "warnings are %.40r" % (told,))
    return [text(one, events.WARNING) for one in told]


def value(told):
    """A small JSON value, as `events.plain` leaves it."""
    _plain(told, 0)
    try:
        content = json.dumps(told, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except ValueError as trouble:  # infinite, written as 1e999
        raise Invalid("its value is no JSON: %s" % trouble)
    _require(len(content) <= events.VALUE, "its value takes %d bytes" % len(content))
    return json.loads(content.decode("utf-8"))


def _plain(told, depth):
    _require(depth <= events.DEPTH, "its value is nested too deep")
    _require(not isinstance(told, int) or abs(told) < 2**63, "its value holds a number of more than 64 bits")
    for part in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        _plain(part, depth + 1)


def exception(told):
    """An exception as `events.describe` tells of it."""
    _require(isinstance(told, dict), "an exception is %.40r" % (told,))
    frames = told.get("frames", [])
    _require(isinstance(frames, list) and len(frames) <= events.FRAMES, "frames are %.40r" % (frames,))
    return {
        "type": text(told.get("type"), events.NAME),
        "message": text(told.get("message"), events.MESSAGE),
        "frames": [_frame(frame) for frame in frames],
        "text": text(told.get("text"), events.TEXT),
    }


def _frame(told):
    _require(isinstance(told, dict), "a frame is %.40r" % (told,))
    line = told.get("line")
    _require(number(line, 0, 2**31), "a line is %.40r" % (line,))
    return {
        "file": text(told.get("file"), events.NAME),
        "line": line,
        "function": text(told.get("function"), events.NAME),
    }


def number(told, least, most):
    """Whether something is a whole number in bounds."""
    return isinstance(told, int) and not isinstance(told, bool) and least <= told <= most


def imported(told, needs):
    """Need → seconds its import took. Raises Invalid."""
    _require(isinstance(told, dict) and set(told) == set(needs), "imports are %.40r" % (told,))
    return {need: seconds(told[need]) for need in needs}


def stopped_by(status):
    """A wait status as fields of the `ended` event."""
    if os.WIFSIGNALED(status):
        return {"ended": "signal", "signal": os.WTERMSIG(status)}
    return {"ended": "exited", "exit_code": os.WEXITSTATUS(status)}


def classify(told, in_time, cut, stopped, oom_before):
    """Fields of `ended` from what the process told, else from how it was stopped.

    A kill by signal 9 that is not ours is for memory when the kernel's own count has grown meanwhile.
    """
    if told:
        return dict(told)
    if not in_time:
        return {"ended": "not-run", "reason": BUDGET} if cut else {"ended": "timeout"}
    if stopped.get("signal") == signal.SIGKILL and oom_before is not None:
        after = processes.oom_kills()
        if after is not None and after > oom_before:
            return dict(stopped, ended="oom")
    return dict(stopped)


def words(fields):
    """How something died, in a word or two: "signal 11", "exit 3", "timeout", "oom"."""
    if fields["ended"] == "signal":
        return "signal %s" % fields.get("signal")
    if fields["ended"] == "exited":
        return "exit %s" % fields.get("exit_code")
    return fields["ended"]
