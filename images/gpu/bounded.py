"""Starts one process in a session of its own, waits no longer than agreed, and leaves nothing of it running.

Standard library only, CPython 3.6 to 3.14; Linux.
"""

import collections
import contextlib
import os
import signal
import subprocess
import time

Ended = collections.namedtuple("Ended", "code timed_out output pid")
"""`code` as of subprocess: negative for a signal; `output` what it wrote to stdout and stderr, its last MOST bytes."""

MOST = 1000000
PAUSE = 0.02  # seconds between two looks at it


class Deadline:
    """A moment after which nothing more is started."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        """Seconds that remain, never below 0."""
        return max(0.0, self.end - time.monotonic())

    def passed(self):
        return self.left() <= 0


def run(command, env, log, deadline):
    """Runs `command` with stdout and stderr into the file `log`, until it ends or the deadline has passed."""
    with open(log, "wb") as out, open(os.devnull, "rb") as nothing:
        process = subprocess.Popen(
            command, env=env, stdin=nothing, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            timed_out = not _ended(process, deadline)
        finally:
            _end_session(process)
    return Ended(process.returncode, timed_out, _tail(log), process.pid)


def describe(code):
    """How a process ended, in words: "signal 11 (SIGSEGV)", "exit status 3"."""
    if code is not None and code < 0:
        try:
            return "signal %d (%s)" % (-code, signal.Signals(-code).name)
        except ValueError:
            return "signal %d" % -code
    return "exit status %s" % code


def _ended(process, deadline):
    """Waits; whether it ended by itself in time."""
    while process.poll() is None:
        if deadline.passed():
            return False
        time.sleep(PAUSE)
    return True


def _end_session(process):
    """Kills the process and everything that stayed in its session."""
    with contextlib.suppress(OSError):  # nothing of it is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log):
    with open(log, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - MOST))
        return file.read().decode("utf-8", "replace")
