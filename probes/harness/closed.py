"""Whether this process is closed to others of its user: its descriptors, its memory, a debugger.

What decides about a probe runs beside packages of the same user. A process that may not be dumped belongs to root in
/proc, and only who may trace every process gets at it (proc(5), ptrace(2), PTRACE_MODE_ATTACH).

Standard library only, CPython 3.6 to 3.14; Linux.
"""

import os

PR_GET_DUMPABLE = 3  # linux/prctl.h
PR_SET_DUMPABLE = 4
_OTHERWISE = 2


def shut(fd):
    """Closes this process to others, and tries from a child whether it is, `fd` being one of its descriptors.

    Returns "" or why it is not.
    """
    try:
        import ctypes

        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError, MemoryError) as trouble:  # as in `processes.become_subreaper`
        return "it can't be asked for: %s" % trouble
    if dumpable != 0:
        return "it may still be dumped (%d)" % dumpable
    return _tried(os.getpid(), fd)


def _tried(pid, fd):
    """What a child could open of process `pid`, or ""."""
    place = "/proc/%d" % pid
    if not os.path.isdir(place):
        return "there is no %s to try" % place
    child = os.fork()
    if child == 0:
        code = _OTHERWISE
        try:
            code = int(_opens("%s/fd/%d" % (place, fd), os.O_WRONLY) or _opens(place + "/mem", os.O_RDWR))
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        return ""
    return "a child of the same user can open it" if status == 1 << 8 else "the child that tried died (%d)" % status


def _opens(path, flags):
    try:
        os.close(os.open(path, flags))
    except PermissionError:
        return False
    return True
