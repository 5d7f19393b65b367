"""Probes that harm what is beside them: their places, their siblings, their warm parent, the supervisor's channel."""

import json
import os
import signal
import sys
import time

from harness import behaviour, check, expect, subject
from hostile import PASSED, forged, place, write


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


@check("hostile.many_files", "?", seconds=120)
def many_files():
    for number in range(20000):
        write(b"", os.path.join(place(), str(number)))
    with subject("call"):
        expect(True, "")


@check("hostile.deep", "?", seconds=120)
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
