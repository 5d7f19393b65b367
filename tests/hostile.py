"""Probes that write what is the harness's to write: none of it may pass for a result, or harm another probe."""

import json
import os
import sys
import threading
import time

from harness import behaviour, check, expect, subject

PASSED = {"ended": "returned", "value": None, "warnings": [], "seconds": 0.0, "within": ""}


def place():
    return os.path.dirname(os.getcwd())


def result():
    return os.path.join(place(), "result.json")


def write(content, path=None):
    with open(path or result(), "wb") as file:
        file.write(content)


def forged(**fields):
    return json.dumps(dict(PASSED, **fields)).encode("ascii")


def token():
    """The token that came with this probe, out of the harness's own frames: who aims at it finds it."""
    frame = sys._getframe()
    while "token" not in frame.f_locals or not isinstance(frame.f_locals["token"], str):
        frame = frame.f_back
    return frame.f_locals["token"]


def leaves(way):
    """A check that leaves something in place of a result and ends at once."""

    def leave():
        with subject("call"):
            way()
            os._exit(0)

    name = way.__name__
    return check("hostile." + name, "?", needs=("json",))(leave)


@leaves
def symlink():
    write(forged(), os.path.join(place(), "elsewhere"))
    os.symlink("elsewhere", result())


@leaves
def fifo():
    os.mkfifo(result())


@leaves
def directory():
    os.mkdir(result())


@leaves
def sparse():
    write(b"")
    os.truncate(result(), 10 * 2**30)


@leaves
def brackets():
    write(b"[" * 400000)


@leaves
def many_brackets():
    write(b"[" * 10000000)


@leaves
def no_text():
    write(b"\xff\xfe{}")


@leaves
def nothing():
    write(b"")


@leaves
def a_list():
    write(b"[]")


@leaves
def without_a_token():
    write(forged())


@leaves
def with_another_token():
    write(forged(token="0" * 32))


@leaves
def oom():
    write(forged(token=token(), ended="oom"))


@leaves
def timeout():
    write(forged(token=token(), ended="timeout"))


@leaves
def signalled():
    write(forged(token=token(), ended="signal", signal=9))


@leaves
def unheard_of():
    write(forged(token=token(), ended="passed"))


@leaves
def no_number():
    write(forged(token=token()).replace(b"null", b"NaN"))


@leaves
def large_value():
    write(forged(token=token(), value="x" * 10000))


@leaves
def seconds():
    write(forged(token=token(), seconds=-1))


@leaves
def no_exception():
    write(forged(token=token(), ended="raised", exception=["no"]))


@leaves
def unreadable():
    write(forged())
    os.chmod(place(), 0)


@leaves
def renamed():
    write(forged())
    os.rename(place(), place() + "-gone")


@check("hostile.half_characters", "?")
def half_characters():
    with subject("call"):
        raise ValueError("\ud800")


@check("hostile.nameless", "?")
def nameless():
    with subject("call"):
        raise type("X" * 100000, (Exception,), {})("y" * 100000)


@check("hostile.thread", "?")
def thread():
    target, until = result(), time.time() + 0.3

    def again():
        while time.time() < until:
            write(forged(), target)

    threading.Thread(target=again, daemon=True).start()
    with subject("call"):
        time.sleep(0.05)
        expect(False, "it fails")


@check("hostile.outliving", "?")
def outliving():
    target = result()
    if os.fork() == 0:
        os.setsid()
        while True:
            write(forged(), target)
            time.sleep(0.001)
    with subject("call"):
        time.sleep(0.05)
        expect(False, "it fails")


@check("hostile.at_exit", "?")
def at_exit():
    import atexit

    atexit.register(write, forged(), result())
    with subject("call"):
        sys.exit(0)


@check("hostile.fails", "?", needs=("json",))
def fails():
    with subject("call"):
        expect(False, "it fails")


@check("hostile.fails_afresh", "?", needs=("json",), fresh=True)
def fails_afresh():
    fails()


@check("hostile.passes", "?", needs=("json",))
def passes():
    with subject("call"):
        expect(True, "")


@behaviour("hostile.about", "?")
def about():
    """What a process of a probe is like."""
    return {
        "flags": {
            name: getattr(sys.flags, name) for name in ("isolated", "no_site", "ignore_environment", "no_user_site")
        },
        "prefix": sys.prefix,
        "path": sys.path[0],
        "controls": "controls" in sys.modules,
        "environment": {n: v for n, v in os.environ.items() if n not in ("NOTE", "TMPDIR", "COMPAT_EXPECTED")},
    }
