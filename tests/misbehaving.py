"""Probes that do what no probe may: one ends as itself, and the others are none the worse for it."""

import contextlib
import os
import signal
import sys
import time

from harness import check, expect, subject


@check("bad.crashes", "?", source="test", needs=("json",))
def crashes():
    with subject("call"):
        import ctypes

        ctypes.string_at(0)


@check("bad.hangs", "?", source="test", needs=("json",), seconds=2)
def hangs():
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
    with subject("call"):
        while True:
            time.sleep(60)


@check("bad.forks_without_end", "?", source="test", needs=("json",), seconds=3)
def forks_without_end():
    with subject("call"):
        while True:
            try:
                if os.fork() == 0:
                    os.setsid()
            except OSError:
                pass


@check("bad.eats_memory", "?", source="test", needs=("json",), seconds=60)
def eats_memory():
    held = []
    with subject("call"):
        while True:
            held.append(b"1" * (16 * 1024 * 1024))


@check("bad.prints_ten_megabytes", "?", source="test", needs=("json",))
def prints_ten_megabytes():
    with subject("call"):
        for _ in range(10 * 1024):
            os.write(1, b"x" * 1023 + b"\n")
            sys.stderr.write("")
        os.write(2, b"the last line\n")


@check("bad.closes_its_outputs", "?", source="test", needs=("json",))
def closes_its_outputs():
    with subject("call"):
        os.closerange(0, 101)


@check("bad.talks_like_the_supervisor", "?", source="test", needs=("json",))
def talks_like_the_supervisor():
    event = b'{"seq": 0, "t": 0, "event": "bye", "probes": 0, "seconds": 0}\n'
    with subject("call"):
        for number in range(1, 101):
            with contextlib.suppress(OSError):
                os.write(number, event)


@check("bad.kills_everything_else", "?", source="test", needs=("json",))
def kills_everything_else():
    with subject("call"), contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


@check("bad.not_at_all", "?", source="test", needs=("json",))
def not_at_all():
    with subject("call"):
        import json

        expect(json.loads("[1]") == [1], "json reads")
