"""Seven probes of the harness itself, run in every cell: one that comes out wrong makes the cell ours to mend.

`EXPECTED` is what must come out, key by key of the `ended` event; `exception` is the exception's type,
`output_ends` how the captured output must end.
"""

import os
import signal
import sys
import time

from harness import control, subject

EXPECTED = {
    "control.passes": {"ended": "returned", "value": None},
    "control.raises": {"ended": "raised", "within": "control.call", "exception": "ValueError"},
    "control.crashes": {"ended": "signal", "signal": int(signal.SIGSEGV)},
    "control.hangs": {"ended": "timeout"},
    "control.exhausts_memory": {"ended": "oom"},
    "control.prints_ten_megabytes": {"ended": "returned", "output_ends": "the last line\n"},
    "control.exits_silently": {"ended": "exited", "exit_code": 0},
}

_MEBIBYTE = 1024 * 1024
_PIECE = 16 * _MEBIBYTE


@control("control.passes", "Does a probe that does nothing wrong pass?", expects=EXPECTED["control.passes"])
def passes():
    with subject("control.call"):
        pass


@control("control.raises", "Is what is raised in a subject block the subject's?", expects=EXPECTED["control.raises"])
def raises():
    with subject("control.call"):
        raise ValueError("raised on purpose")


@control(
    "control.crashes",
    "Is a crash seen as one, and nothing but its own probe harmed?",
    expects=EXPECTED["control.crashes"],
    repeat=False,
)
def crashes():
    # A kernel that ignores the signal for its first process still delivers it to any other.
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(5)


@control(
    "control.hangs",
    "Is a probe that never ends stopped at its limit, with what it started?",
    seconds=1,
    expects=EXPECTED["control.hangs"],
    repeat=False,
)
def hangs():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
    while True:
        time.sleep(60)


@control(
    "control.exhausts_memory",
    "Is a probe that eats memory killed by the container's limit, and told from other kills?",
    seconds=120,
    expects=EXPECTED["control.exhausts_memory"],
    repeat=False,
)
def exhausts_memory():
    """Allocates and touches memory until killed.

    The limit under test is the engine's own: an address-space limit would only raise MemoryError, and a
    container can't nest a smaller group of its own. Past that limit by 64 MiB nothing is enforced: the probe
    returns, which is the wrong outcome, instead of eating the machine.
    """
    pieces = (_memory_limit() + 64 * _MEBIBYTE) // _PIECE + 1
    held = []
    for _ in range(pieces):
        held.append(b"\1" * _PIECE)


def _memory_limit():
    """The limit of this process's control group in bytes; where that is none or can't be read, the plan's."""
    planned = int(os.environ["COMPAT_CONTROL_MEMORY"])
    for path in ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"):
        try:
            with open(path) as file:
                limit = int(file.read())
        except (OSError, ValueError):  # ValueError: "max", no limit
            continue
        if limit < 1 << 50:  # v1 says "none" with a huge number
            return limit
    return planned


@control(
    "control.prints_ten_megabytes",
    "Does a flood of output stay bounded, with its end kept?",
    expects=EXPECTED["control.prints_ten_megabytes"],
)
def prints_ten_megabytes():
    line = "x" * 1023 + "\n"
    for _ in range(10 * 1024):
        sys.stdout.write(line)
    sys.stdout.write("the last line\n")


@control(
    "control.exits_silently",
    "Is a probe that leaves without a result seen as that, not as a pass?",
    expects=EXPECTED["control.exits_silently"],
    repeat=False,
)
def exits_silently():
    os._exit(0)
