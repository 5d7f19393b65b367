"""Probes that write what is the harness's to write: none of it may pass for a result, or harm another probe."""

import json
import os
import signal
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


@check("hostile.removes_its_place", "?")
def removes_its_place():
    import shutil

    shutil.rmtree(place())
    with subject("call"):
        expect(True, "")


@check("hostile.removes_all_places", "?")
def removes_all_places():
    import shutil

    shutil.rmtree(os.path.dirname(place()), ignore_errors=True)
    with subject("call"):
        expect(True, "")


@check("hostile.becomes_a_link", "?")
def becomes_a_link():
    own = place()
    os.rename(own, own + "-moved")
    os.symlink(os.environ["PRECIOUS"], own)
    with subject("call"):
        expect(True, "")


@check("hostile.many_files", "?")
def many_files():
    for number in range(20000):
        write(b"", os.path.join(place(), str(number)))
    with subject("call"):
        expect(True, "")


@check("hostile.deep", "?")
def deep():
    for _ in range(3000):
        os.mkdir("d" * 60)
        os.chdir("d" * 60)
    with subject("call"):
        expect(True, "")


@check("hostile.writes_everywhere", "?", needs=("json",))
def writes_everywhere():
    """Leaves a pass in every place there is, until `fails_slowly` is through."""
    work, until = os.path.dirname(place()), time.time() + 1
    while time.time() < until:
        for name in os.listdir(work):
            if name != os.path.basename(place()):
                try:
                    write(forged(), os.path.join(work, name, "result.json"))
                except OSError:
                    pass
        time.sleep(0.01)
    with subject("call"):
        pass


@check("hostile.exits_slowly", "?", needs=("json",))
def exits_slowly():
    time.sleep(0.5)
    with subject("call"):
        os._exit(0)


@check("hostile.fails_slowly", "?", needs=("json",))
def fails_slowly():
    time.sleep(0.5)
    with subject("call"):
        expect(False, "it fails")


@check("hostile.kills_its_siblings", "?", needs=("json",))
def kills_its_siblings():
    until = time.time() + 0.5
    while time.time() < until:
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/stat" % int(name)) as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            if parent == os.getppid() and int(name) != os.getpid():
                os.kill(int(name), signal.SIGKILL)
        time.sleep(0.01)
    with subject("call"):
        pass


@check("hostile.kills_everything", "?", needs=("json",))
def kills_everything():
    """Every process but the supervisor and its own, as fast as they come."""
    kept = (os.getpid(), os.getppid(), int(os.environ["SUPERVISOR"]))
    until = time.time() + 1.5
    while time.time() < until:
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/environ" % int(name), "rb") as file:
                    ours = b"SUPERVISOR=%d" % kept[2] in file.read().split(b"\0")
            except (OSError, ValueError):
                continue
            if ours and int(name) not in kept:
                os.kill(int(name), signal.SIGKILL)
    with subject("call"):
        pass


@check("hostile.imports_another", "?", needs=("csv",))
def imports_another():
    with subject("call"):
        pass


@check("hostile.slowly_afresh", "?", needs=("json",), fresh=True)
def slowly_afresh():
    passes_slowly()


@check("hostile.passes_slowly", "?", needs=("json",))
def passes_slowly():
    time.sleep(0.5)
    with subject("call"):
        pass


@check("hostile.floods_its_parents_answers", "?", needs=("json",))
def floods_its_parents_answers():
    """What is no line, lines that are nothing, and lines about every process there may be."""
    answers = os.open("/proc/%d/cwd/answers" % os.getppid(), os.O_WRONLY)

    def say(content):
        while content:
            content = content[os.write(answers, content) :]

    say(b"x" * (40 * 2**20) + b"\n")
    say(b"\n" * 100000)
    say(b"[" * 300000 + b"\n")
    for told in (
        {"for": place(), "pid": 1, "status": 0},
        {"for": place(), "pid": -1, "status": 0},
        {"for": place(), "pid": 2**70, "status": 2**70},
        {"for": {}, "pid": [], "status": None},
        {"for": "0" * 32, "pid": int(os.environ["SUPERVISOR"]), "status": 0},
        {"failed": dict(PASSED, ended="raised", exception={})},
        {"imported": {"json": "soon"}},
        {"importing": ["json"] * 1000},
        {"unread": "hostile.py", "why": 3},
        {"seq": 1, "t": 0.0, "event": "bye", "probes": 0, "seconds": 0},
        [],
        None,
    ):
        say(json.dumps(told).encode("ascii") + b"\n")
    for number in range(20000):
        say(json.dumps({"for": str(number), "pid": number, "status": 0}).encode("ascii") + b"\n")
    with subject("call"):
        expect(True, "")


@check("hostile.claims_other_processes", "?", needs=("json",))
def claims_other_processes():
    """Says of its sibling, its parent and the supervisor that they are it, and that it has ended."""
    frame = sys._getframe()
    while "tag" not in frame.f_locals:
        frame = frame.f_back
    answers = os.open("/proc/%d/cwd/answers" % os.getppid(), os.O_WRONLY)
    until = time.time() + 0.3
    while time.time() < until:
        with open("/proc/%d/task/%d/children" % (os.getppid(), os.getppid())) as file:
            siblings = [int(pid) for pid in file.read().split() if int(pid) != os.getpid()]
        for pid in siblings + [os.getppid(), int(os.environ["SUPERVISOR"])]:
            told = {"for": frame.f_locals["tag"], "pid": pid}
            os.write(answers, json.dumps(told).encode("ascii") + b"\n")
        time.sleep(0.01)
    with subject("call"):
        expect(True, "")


@check("hostile.stuffs_its_parents_requests", "?", needs=("json",), seconds=3)
def stuffs_its_parents_requests():
    """Fills the pipe that a stopped parent does not read."""
    requests = os.open("/proc/%d/cwd/requests" % os.getppid(), os.O_RDWR | os.O_NONBLOCK)
    os.kill(os.getppid(), signal.SIGSTOP)
    try:
        while True:
            os.write(requests, b"x" * 4096)
    except BlockingIOError:
        pass
    with subject("call"):
        expect(True, "")


@behaviour("hostile.memory_of_the_supervisor", "?")
def memory_of_the_supervisor():
    with open("/proc/%s/status" % os.environ["SUPERVISOR"]) as file:
        return [int(line.split()[1]) for line in file if line.startswith("VmHWM")][0]


@behaviour("hostile.writes_to_every_descriptor", "?")
def writes_to_every_descriptor():
    """Says what the supervisor says, wherever that may lead; tells which descriptors it has been given."""
    event = json.dumps({"seq": 1, "t": 0, "event": "bye", "probes": 0, "seconds": 0}).encode("ascii") + b"\n"
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink("/proc/self/fd/" + name).split(":")[0]
            os.write(int(name), event)
        except OSError:
            pass
    for name, target in found.items():
        if "proc" in target:
            del found[name]
            break
    return sorted(found)


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
