"""Probes that reach for the supervisor, the first process of their container: each tells what it got hold of."""

import ctypes
import json
import os
import signal
import sys
import time

from harness import behaviour, check, expect, subject

EVENT = b'{"seq": 2, "t": 0, "event": "bye", "probes": 0, "seconds": 0}\n'
NUMBERS = {"pidfd_open": 434, "pidfd_getfd": 438, "process_vm_readv": 310, "process_vm_writev": 311, "ptrace": 101}
"""System calls of x86-64."""


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def call(name, *arguments):
    """Whether a system call worked, else the name of its error."""
    library = ctypes.CDLL(None, use_errno=True)
    found = library.syscall(NUMBERS[name], *arguments)
    return "worked" if found >= 0 else error(ctypes.get_errno())


def error(number):
    import errno

    return errno.errorcode[number]


def attempt(do, *arguments):
    try:
        do(*arguments)
    except OSError as trouble:
        return error(trouble.errno)
    return "worked"


def say(path):
    with open(path, "wb", 0) as file:
        file.write(EVENT)


@behaviour("reach.descriptors", "?", needs=("json",))
def descriptors():
    found = {attempt(say, "/proc/1/fd/%d" % number) for number in range(64)}
    return sorted(found | {attempt(os.listdir, "/proc/1/fd"), attempt(os.readlink, "/proc/1/exe")})


@behaviour("reach.memory", "?", needs=("json",))
def memory():
    return sorted(
        {attempt(open, "/proc/1/" + name, mode) for name, mode in (("mem", "r+b"), ("maps", "r"), ("environ", "r"))}
    )


@behaviour("reach.calls", "?", needs=("json",))
def calls():
    content = ctypes.create_string_buffer(8)
    here = Part(ctypes.cast(content, ctypes.c_void_p), 8)
    there = Part(ctypes.c_void_p(0x400000), 8)
    parts = (ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    found = {
        "attach": call("ptrace", 16, 1, 0, 0),
        "seize": call("ptrace", 0x4206, 1, 0, 0),
        "read": call("process_vm_readv", 1, *parts),
        "write": call("process_vm_writev", 1, *parts),
    }
    library = ctypes.CDLL(None, use_errno=True)
    process = library.syscall(NUMBERS["pidfd_open"], 1, 0)
    found["descriptor"] = call("pidfd_getfd", process, 3, 0) if process >= 0 else "no pidfd"
    return found


@check("reach.signals", "?", needs=("json",))
def signals():
    for number in range(1, 65):
        if number not in (32, 33):
            attempt(os.kill, 1, number)
    until = time.time() + 1
    while time.time() < until:
        os.kill(1, signal.SIGCHLD)
    with subject("call"):
        expect(True, "")


@check("reach.everything_at_once", "?", needs=("json",))
def everything_at_once():
    attempt(os.kill, -1, signal.SIGSTOP)
    attempt(os.kill, -1, signal.SIGKILL)
    with subject("call"):
        expect(True, "")


@behaviour("reach.inherited", "?", needs=("json",))
def inherited():
    sys.stdout.write(EVENT.decode("ascii"))
    sys.stderr.write(EVENT.decode("ascii"))
    found = {name: attempt(os.stat, "/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")}
    return sorted(name for name, what in found.items() if what == "worked")


@behaviour("reach.environment", "?", needs=("json",))
def environment():
    return {name: value for name, value in os.environ.items() if name != "COMPAT_EXPECTED"}


@behaviour("reach.environment_afresh", "?", needs=("json",), fresh=True)
def environment_afresh():
    return environment()


@behaviour("reach.command", "?", needs=("json",))
def command():
    """How the supervisor was started: what everybody may read of it."""
    with open("/proc/1/cmdline") as file:
        return file.read().split("\0")[:-1]


@behaviour("reach.traced", "?", needs=("json",))
def traced():
    """Processes that the loader has written a trace of."""
    return sorted(int(name.split(".")[1]) for name in os.listdir("/tmp") if name.startswith("loader."))


@check("reach.sleeps", "?", needs=("json",), seconds=60)
def sleeps():
    time.sleep(60)


@check("reach.fails", "?", needs=("json",))
def fails():
    with subject("call"):
        expect(json.dumps([]) == "nothing that it may be", "it fails")


@check("reach.passes", "?", needs=("json",))
def passes():
    with subject("call"):
        expect(True, "")
