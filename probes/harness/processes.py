"""Processes: starting them apart, capturing what they print, reaping and killing whole trees, reading OOM kills.

Standard library only, CPython 3.6 to 3.14; Linux (without /proc only process groups are killed).
"""

import collections
import os
import signal
import sys
import time
import traceback

import events

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

Process = collections.namedtuple("Process", "parent group session state")


def wake_up(fd):
    """Has signals write to `fd`, silently where it is full: whoever reads it has enough to be woken by."""
    if sys.version_info >= (3, 7):
        signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
    else:
        signal.set_wakeup_fd(fd)


def become_subreaper():
    """Makes orphans below this process its children. Returns whether that holds; the first process has it anyway."""
    if os.getpid() == 1:
        return True
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (ImportError, OSError, AttributeError, MemoryError):  # ctypes lacks, or libffi found no memory to execute
        return False


def table():
    """Every process this one can see, by its id; empty where there is no /proc."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return {}
    found = ((int(name), look(name)) for name in names if name.isdigit())
    return {pid: process for pid, process in found if process is not None}


def look(pid):
    """A process by its id, or None where it has ended."""
    try:
        with open("/proc/%s/stat" % pid, "rb") as file:
            fields = file.read().rsplit(b")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return Process(int(fields[1]), int(fields[2]), int(fields[3]), fields[0].decode())


def doomed(processes, roots, keep, me):
    """Ids of what must end: `roots`, their sessions, groups and descendants, and orphans that came to `me`.

    `keep` (warm parents and other probes), their sessions and what is below them stay, `roots` excepted.
    """
    chosen = {pid for pid, p in processes.items() if pid in roots or p.session in roots or p.group in roots}
    chosen |= {pid for pid, p in processes.items() if p.parent == me and pid not in keep and p.session not in keep}
    children = collections.defaultdict(list)
    for pid, process in processes.items():
        children[process.parent].append(pid)
    left = list(chosen)
    while left:
        for child in children[left.pop()]:
            if child not in chosen:
                chosen.add(child)
                left.append(child)
    return chosen - set(keep) - {me, 0, 1}


def _signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            pass


class Reaper(object):
    """Collects every child that ended, orphans included; `statuses` keeps those asked for by `watch`."""

    def __init__(self):
        self.watched = set()
        self.statuses = {}

    def watch(self, pid):
        self.watched.add(pid)

    def collect(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.watched:
                self.watched.discard(pid)
                self.statuses[pid] = status


def kill_tree(roots, keep, reaper, seconds=5.0):
    """Kills `roots`, all they started and every orphan, until none is left. Returns whether none is.

    Stopping them first keeps a process that forks without end from outrunning the killing.
    """
    me = os.getpid()
    until = time.monotonic() + seconds
    for root in roots:
        try:
            os.killpg(root, signal.SIGKILL)
        except OSError:
            pass
    while True:
        reaper.collect()
        processes = table()
        left = {p for p in doomed(processes, roots, keep, me) if processes[p].state not in "ZX"}
        if not left:
            reaper.collect()
            return True
        if time.monotonic() > until:
            return False
        _signal(left, signal.SIGSTOP)
        _signal(left, signal.SIGKILL)
        time.sleep(0.002)


def kill_everything(roots, reaper, seconds):
    """Kills whatever this process may kill, in a container of its own."""
    os.kill(-1, signal.SIGKILL)
    kill_tree(roots, (), reaper, seconds)


def fork(body, reaper, seconds):
    """Starts a child that runs `body` and ends. Returns its process id.

    Tries for `seconds`: what was killed may not be gone yet and still count against a limit.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            pid = os.fork()
            break
        except OSError:
            if time.monotonic() > until:
                raise
            reaper.collect()
            time.sleep(0.05)
    if pid:
        reaper.watch(pid)
        return pid
    try:
        body()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(72)


def oom_kills():
    """How many processes the kernel has killed for memory in this control group, or None where that can't be read.

    Sources: memory.oom_control (cgroup v1) and memory.events (v2), line `oom_kill N`.
    """
    for path in ("/sys/fs/cgroup/memory/memory.oom_control", _own_group() + "/memory.events"):
        try:
            with open(path) as file:
                for line in file:
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return None


def _own_group():
    try:
        with open("/proc/self/cgroup") as file:
            for line in file:
                if line.startswith("0::"):
                    return "/sys/fs/cgroup" + line[3:].strip().rstrip("/")
    except OSError:
        pass
    return "/sys/fs/cgroup"


class Output(object):
    """What a process tree prints into a named pipe, of which the last 16 KiB are kept, however much arrives."""

    def __init__(self, fd):
        self.fd = fd
        self.tail = b""

    def fileno(self):
        return self.fd

    def pump(self):
        for _ in range(64):
            try:
                piece = os.read(self.fd, 65536)
            except BlockingIOError:
                return False
            self.tail = (self.tail + piece)[-events.CAPTURED :]
        return True

    def close(self):
        """Reads what is left (everybody who could write is gone) and returns the end of it as text."""
        for _ in range(8):
            if not self.pump():
                break
        os.close(self.fd)
        return printed(self.tail)


def printed(content):
    """The end of what was printed, as text."""
    return content.decode("utf-8", "replace")[-events.OUTPUT :]


class Lines(object):
    """Lines that arrive on a descriptor, read without ever waiting; `ended` once the other end is closed.

    A line of more than `limit` bytes is dropped, up to its end.
    """

    def __init__(self, fd, limit):
        self.fd = fd
        self.limit = limit
        self.rest = b""
        self.lines = []
        self.ended = False
        self.dropping = False
        os.set_blocking(fd, False)

    def fileno(self):
        return self.fd

    def pump(self):
        try:
            piece = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        if not piece:
            self.ended = True
            return
        parts = (self.rest + piece).split(b"\n")
        if self.dropping and len(parts) > 1:
            del parts[0]
            self.dropping = False
        self.rest = parts.pop()
        self.lines.extend(part for part in parts if len(part) <= self.limit)
        if self.dropping or len(self.rest) > self.limit:
            self.rest, self.dropping = b"", True

    def take(self):
        taken, self.lines = self.lines, []
        return taken

    def close(self):
        os.close(self.fd)


def set_apart(output, keep=()):
    """In a new child: a session of its own, default signals, only descriptors 0 to 2 and `keep` open.

    Standard input is empty; standard output and error go to the named pipe `output`.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else range(1024):
        if int(name) > 2 and int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                pass
    redirect(os.open(os.devnull, os.O_RDONLY), (0,))
    redirect(os.open(output, os.O_WRONLY), (1, 2))


def redirect(fd, targets):
    """Points `targets` at what `fd` is, and closes `fd`."""
    for target in targets:
        os.dup2(fd, target)
    if fd not in targets:
        os.close(fd)


def first_for_oom():
    """Makes this process the one the kernel kills first when memory runs out; raising the score needs no rights."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass
