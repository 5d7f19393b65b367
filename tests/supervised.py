"""A suite of small probes that go wrong in every way there is, and what a supervisor tells of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROBES = Path(__file__).parent.parent / "probes"
HARNESS = (
    "alone.py", "catalogue.py", "channel.py", "child.py", "closed.py", "events.py", "harness.py", "lanes.py",
    "needs.py", "own.py", "parents.py", "places.py", "plans.py", "processes.py", "results.py", "sabotage.py",
    "supervisor.py", "warm.py",
)  # fmt: skip
LIMITS = {"probe_seconds": 10, "import_seconds": 10, "cell_seconds": 60}

PROBE_FILE = """
import os, signal, sys, time, warnings
from harness import *

@check("fake.passes", "?", needs=("json",))
def passes():
    with subject("fake.call"):
        expect(True, "")

@check("fake.raises_outside", "?", needs=("json",))
def raises_outside():
    {}["missing"]

@check("fake.raises_inside", "?", needs=("json",))
def raises_inside():
    with subject("fake.call"):
        import json
        json.loads("{")

@check("fake.without_subject", "?")
def without_subject():
    pass

@behaviour("fake.behaviour_raises", "?")
def behaviour_raises():
    with subject("fake.call"):
        raise TypeError("no")

@behaviour("fake.behaviour_values", "?")
def behaviour_values():
    return {"a": (1, float("nan")), "b": None}

def parents():
    with open("/proc/%d/stat" % os.getppid()) as file:
        return [int(file.read().rsplit(")", 1)[1].split()[1]), os.getppid()]

@behaviour("fake.two_needs", "?", needs=("json", "csv"))
def two_needs():
    return parents()

@behaviour("fake.two_needs_too", "?", needs=("json", "csv"))
def two_needs_too():
    return parents()

@behaviour("fake.two_needs_die", "?", needs=("json", "csv"))
def two_needs_die():
    os.kill(os.getpid(), signal.SIGSEGV)

@behaviour("fake.two_needs_kill", "?", needs=("json", "csv"))
def two_needs_kill():
    if os.getppid() != int(os.environ["SUPERVISOR"]):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)

@behaviour("fake.logs", "?")
def logs():
    import logging
    logging.getLogger("tensorflow").warning("%s is deprecated", "this")
    logging.getLogger("tensorflow").info("not this")
    logging.getLogger("other").warning("nor this")

@behaviour("fake.pins", "?")
def pins():
    return os.environ["COMPAT_EXPECTED"]

@behaviour("fake.light_one", "?", light=True)
def light_one():
    print("one")
    return os.getpid()

@behaviour("fake.light_dies", "?", light=True)
def light_dies():
    os.kill(os.getpid(), signal.SIGSEGV)

@behaviour("fake.light_two", "?", light=True)
def light_two():
    print("two")
    return os.getpid()

@check("fake.light_raises", "?", light=True)
def light_raises():
    with subject("fake.call"):
        expect(False, "no")

@check("fake.meets", "?", needs=("json",))
def meets():
    with subject("fake.call"):
        place = os.path.join(os.path.dirname(os.environ["NOTE"]), "meeting")
        for _ in range(300):
            open(place + "." + str(os.getpid()), "w").close()
            if len([n for n in os.listdir(os.path.dirname(place)) if n.startswith("meeting.")]) == 2:
                return
            time.sleep(0.01)
        expect(False, "nobody came")

@check("fake.meets_too", "?", needs=("json",))
def meets_too():
    meets()

@behaviour("fake.big_value", "?")
def big_value():
    return "x" * 9000

@check("fake.skips", "?")
def skips():
    try:
        skip("not before 2.4")
    except Exception:
        pass

@check("fake.warns", "?")
def warns():
    with subject("fake.call"):
        for i in range(30):
            warnings.warn("number %d" % i, DeprecationWarning)

@check("fake.closes_everything", "?")
def closes_everything():
    os.closerange(0, 21)
    with subject("fake.call"):
        pass

@check("fake.leaves_processes", "?")
def leaves_processes():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with open(os.environ["NOTE"], "w") as file:
                file.write(str(os.getpid()))
            time.sleep(60)
        os._exit(0)
    while not os.path.exists(os.environ["NOTE"]) or not open(os.environ["NOTE"]).read():
        time.sleep(0.01)
    with subject("fake.call"):
        pass

@check("fake.forked_child_returns", "?")
def forked_child_returns():
    pid = os.fork()
    with subject("fake.call"):
        if pid == 0:
            raise ValueError("in the child")
        os.waitpid(pid, 0)

@check("fake.forks_without_end", "?", seconds=1)
def forks_without_end():
    import resource
    for _ in range(300):
        os.fork()
        time.sleep(0.2)

@check("fake.kills_its_parent", "?", needs=("json",))
def kills_its_parent():
    if os.environ["PARENT"] == str(os.getppid()) or not os.path.exists(os.environ["NOTE"]):
        open(os.environ["NOTE"], "w").close()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(30)
    with subject("fake.call"):
        pass

@check("fake.stops_its_parent", "?", needs=("json",))
def stops_its_parent():
    if not os.path.exists(os.environ["NOTE"]):
        open(os.environ["NOTE"], "w").close()
        os.kill(os.getppid(), signal.SIGSTOP)
    with subject("fake.call"):
        pass

@check("fake.dies_only_when_forked", "?")
def dies_only_when_forked():
    with subject("fake.call"):
        if not os.path.exists(os.environ["NOTE"]):
            open(os.environ["NOTE"], "w").close()
            os.kill(os.getpid(), signal.SIGSEGV)

@check("fake.dies_always", "?")
def dies_always():
    os.kill(os.getpid(), signal.SIGSEGV)

@check("fake.hangs", "?", seconds=1)
def hangs():
    time.sleep(60)

@check("fake.sleeps", "?")
def sleeps():
    time.sleep(60)

@check("fake.exits", "?")
def exits():
    os._exit(7)

@check("fake.fresh", "?", needs=("json",), fresh=True)
def fresh():
    with subject("fake.call"):
        expect(os.getppid() == int(os.environ["SUPERVISOR"]), "not started by the supervisor itself")

@check("fake.import_raises", "?", needs=("json", "raises_on_import"))
def import_raises(): pass

@check("fake.import_dies", "?", needs=("dies_on_import",))
def import_dies(): pass

@check("fake.import_hangs", "?", needs=("hangs_on_import",))
def import_hangs(): pass

@check("fake.import_raises_fresh", "?", needs=("raises_on_import",), fresh=True)
def import_raises_fresh(): pass

@check("fake.import_dies_fresh", "?", needs=("dies_on_import",), fresh=True)
def import_dies_fresh(): pass

@check("fake.not_there", "?", needs=("not_there",))
def not_there(): pass
"""
MODULES = {
    "raises_on_import": "print('printed on import')\nraise RuntimeError('broken')",
    "dies_on_import": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    "hangs_on_import": "import time\ntime.sleep(60)",
}


@dataclass(frozen=True)
class Told:
    events: list[dict[str, Any]]
    code: int

    def __getitem__(self, probe: str) -> dict[str, Any]:
        (found,) = [e for e in self.events if e["event"] == "ended" and e["probe"] == probe]
        return found

    def named(self, *events: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] in events]


def copy_harness(folder: Path) -> None:
    """Puts the harness and its controls into a suite's folder, as a container has them."""
    for name in HARNESS:
        shutil.copy(PROBES / "harness" / name, folder)
    shutil.copy(PROBES / "controls.py", folder)


def oldest() -> str | None:
    """An old Python that works here: the one named in COMPAT_OLDEST_PYTHON, or python3.7."""
    named = os.environ.get("COMPAT_OLDEST_PYTHON") or shutil.which("python3.7")
    works = named and subprocess.run([named, "-c", ""], capture_output=True, check=False).returncode == 0
    return named if works else None


@dataclass
class Environment:
    """A virtual environment made by hand, the interpreter it was made from, a suite, and a supervisor on all that."""

    folder: Path
    trusted: str
    suite: Path
    variables: dict[str, str] = field(default_factory=dict)
    lanes: int = 1

    @property
    def interpreter(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        (found,) = self.folder.glob("lib/*/site-packages")
        return found

    def install(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.site_packages / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def tell(self, *probes: str, limits: Mapping[str, float] = LIMITS, **plan: object) -> Told:
        """What the supervisor tells, started as an engine starts it."""
        work = self.folder.parent / "tmp"
        work.mkdir(exist_ok=True)
        content = {"probes": probes, "limits": limits, "expected": {}, "heartbeat_seconds": 0.2, "lanes": self.lanes}
        content |= {"interpreter": str(self.interpreter), "site_packages": [str(self.site_packages)]}
        path = self.folder.parent / "plan.json"
        path.write_text(json.dumps({**content, "variables": self.variables, **plan}))
        supervisor = [self.trusted, "-I", "-S", "-B", str(self.suite / "supervisor.py"), str(path)]
        done = subprocess.run(
            ["sh", "-c", 'export SUPERVISOR=$$; exec "$@"', "sh", *supervisor],
            stdout=subprocess.PIPE,
            cwd=self.folder.parent,
            env={"PATH": os.defpath, "TMPDIR": str(work), "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=limits["cell_seconds"] + 40,
            check=False,
        )
        assert list(work.iterdir()) == [], "files are left behind"
        return Told([json.loads(line) for line in done.stdout.splitlines()], done.returncode)


def environment(interpreter: str, folder: Path, probe_files: Mapping[str, str]) -> Environment:
    """An environment in `folder` with nothing installed."""
    code = "import os, sys; print(os.path.realpath(sys.executable)); print('%d.%d' % sys.version_info[:2])"
    asked = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True)
    real, minor = asked.stdout.split()
    place = folder / "environment"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(real)
    (place / "lib" / f"python{minor}" / "site-packages").mkdir(parents=True)
    (place / "pyvenv.cfg").write_text(f"home = {Path(real).parent}\ninclude-system-site-packages = false\n")
    suite = folder / "probes"
    suite.mkdir()
    copy_harness(suite)
    for name, text in probe_files.items():
        (suite / name).write_text(text)
    return Environment(place, real, suite)
