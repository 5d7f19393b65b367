"""Ways into the supervisor, tried in real containers by what runs beside it as the same user."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_tools import base_on, docker_engine
from fakes import NOW, run_context
from fakes import cell as cell_of
from staged import load

from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import CellError, CellStatus, Phase
from orchestrator.model import (
    FIXED_VARIABLES,
    Axis,
    Base,
    Cell,
    Choice,
    Ended,
    Limits,
    Lock,
    Observation,
    Prepared,
    Strategy,
)
from orchestrator.run.observe import ProbeSession, observe
from orchestrator.suite.stated import ProbeFiles

LIMITS = Limits(memory=512 * 1024**2, pids=64, probe_seconds=20, import_seconds=20, cell_seconds=120)
SITE = "/opt/venv/lib/python3.11/site-packages"
CONTROLS = ("control.passes", "control.raises", "control.exits_silently")
Observe = Callable[..., dict[str, Observation]]
Variables = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with docker_engine() as made:
        yield made


@pytest.fixture(scope="module")
def base(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Base:
    return base_on(engine, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> ProbeFiles:
    folder = tmp_path_factory.mktemp("suite") / "probes"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("reaching.py"), folder)
    return load(folder)


@pytest.fixture
def image(base: Base, tmp_path: Path) -> Iterator[Callable[[dict[str, str], str], str]]:
    """Makes an image of files on the base: those of packages by name, and lines of a Dockerfile."""
    made: list[str] = []

    def make(files: dict[str, str], lines: str = "") -> str:
        (tmp_path / "site").mkdir()
        for name, text in files.items():
            (tmp_path / "site" / name).write_text(text)
        (tmp_path / "Dockerfile").write_text(f"FROM {base.image}\nCOPY site/ {SITE}/\n{lines}\n")
        made.append(f"compat-reach:{len(made)}-{tmp_path.name.lower()}")
        subprocess.run(["docker", "build", "-q", "-t", made[-1], tmp_path], check=True, capture_output=True)
        return made[-1]

    yield make
    subprocess.run(["docker", "rmi", "-f", *made], check=False, capture_output=True)


@pytest.fixture
def see(engine: DockerEngine, base: Base, probes: ProbeFiles, tmp_path: Path) -> Observe:
    def go(*names: str, reference: str = "", variables: Variables = (), environment: Variables = (), **shop: object):
        made = run_context(tmp_path, **{"engine": engine, "suite": probes, "limits": LIMITS, **shop})  # type: ignore[arg-type]
        prepared = Prepared(
            key="",
            reference=reference or base.image,
            interpreter=base.interpreter,
            trusted=base.trusted,
            built=False,
            environment=environment,
        )
        lock = Lock(
            python="3.11",
            platform=base.platform,
            device="cpu",
            strategy=Strategy.RELEASED,
            resolver="none",
            cutoff=NOW,
            distributions=(),
        )
        session = ProbeSession(
            task=made.task(set_by(variables)),
            lock=lock,
            prepared=prepared,
            probes=tuple(made.worker.suite.probes[name] for name in names),
        )
        return {o.probe: o for o in observe(session, made.worker, lambda o: o).observations}

    return go


def set_by(variables: Variables) -> Cell:
    """A cell that sets variables."""
    made = cell_of(python="3.11")
    env = Choice(axis=Axis(name="env", kind="env"), name="made", variables=variables)
    return replace(made, choices=(*made.choices, env))


# ------------------------------------------------------------ reaching in


@pytest.mark.container
def test_nothing_of_the_supervisor_can_be_opened_traced_or_written_by_its_probes(see: Observe) -> None:
    seen = see("reach.descriptors", "reach.memory", "reach.calls", "reach.inherited", "reach.fails", "reach.passes")
    assert seen["reach.descriptors"].value == ["EACCES"]
    assert seen["reach.memory"].value == ["EACCES"]
    calls = seen["reach.calls"].value
    assert isinstance(calls, dict)
    assert set(calls.values()) <= {"EPERM", "EACCES", "ENOSYS", "no pidfd"}, calls
    assert seen["reach.inherited"].value == ["0", "1", "2"]
    assert '"event": "bye"' in seen["reach.inherited"].output
    assert (seen["reach.fails"].ended, seen["reach.passes"].ended) == (Ended.RAISED, Ended.RETURNED)


@pytest.mark.container
def test_no_signal_from_inside_stops_the_supervisor(see: Observe) -> None:
    seen = see("reach.signals", "reach.everything_at_once", "reach.fails", "reach.passes")
    assert {name: o.ended for name, o in seen.items()} == {
        "reach.signals": Ended.RETURNED,
        "reach.everything_at_once": Ended.RETURNED,
        "reach.fails": Ended.RAISED,
        "reach.passes": Ended.RETURNED,
    }


@pytest.mark.container
def test_a_supervisor_that_hears_no_signal_is_ended_from_outside_at_once(see: Observe) -> None:
    with docker_engine() as own:
        threading.Timer(2, own.halt).start()
        began = time.monotonic()
        with pytest.raises(CellError, match="the run was stopped"):
            see("reach.passes", "reach.sleeps", engine=own)
        assert time.monotonic() - began < 8


@pytest.mark.container
@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        (b"prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)", b"pass", "it may still be dumped"),
        (
            b"dumpable = prctl(PR_GET_DUMPABLE",
            b"dumpable = 0 * prctl(PR_SET_DUMPABLE, 1",
            "a child of the same user can",
        ),
    ],
)
def test_where_the_supervisor_is_open_nothing_is_believed(
    see: Observe, probes: ProbeFiles, line: bytes, instead: bytes, says: str
) -> None:
    files = dict(probes.files)
    assert line in files["closed.py"]
    files["closed.py"] = files["closed.py"].replace(line, instead)
    with pytest.raises(CellError, match=says) as raised:
        see("reach.passes", suite=replace(probes, files=tuple(files.items())))
    assert (raised.value.status, raised.value.phase, raised.value.reason) == (CellStatus.INFRA, Phase.START, "open")


# ------------------------------------------------------------ what is installed, what is set


@pytest.mark.container
def test_no_file_of_a_package_speaks_for_the_supervisor(see: Observe, image: Callable[..., str]) -> None:
    forged = '{"seq": 0, "t": 0, "event": "hello"}'
    evil = (
        "import builtins, json, os, sys\n"
        f"if os.getpid() == 1: os.write(1, b'{forged}\\n')\n"
        'json.dumps = lambda *a, **k: \'{"ended": "returned", "value": null}\'\n'
        "json.JSONEncoder.encode = lambda *a, **k: json.dumps()\n"
        "os.rename = os.replace = lambda *a, **k: None\n"
    )
    shadows = ("harness", "events", "own", "closed", "plans", "warm", "reaching")
    files = {f"{name}.py": "raise SystemExit(0)\n" for name in (*shadows, "json")}
    files |= {"evil.py": evil, "evil.pth": "import evil\n", "sitecustomize.py": "import evil\n"}
    seen = see("reach.fails", "reach.passes", "reach.command", *CONTROLS, reference=image(files))
    assert (seen["reach.fails"].ended, seen["reach.passes"].ended) == (Ended.RAISED, Ended.RETURNED)
    assert seen["control.raises"].within == "control.call"
    command = seen["reach.command"].value
    assert command == ["/opt/compat/python", "-I", "-S", "-B", "/probes/supervisor.py", "/probes/plan.json"]


@pytest.mark.container
def test_an_interpreter_that_a_package_replaced_passes_nothing(see: Observe, image: Callable[..., str]) -> None:
    event = '{"seq": 1, "t": 0, "event": "ended", "probe": "reach.fails", "ended": "returned"}'
    fake = f"#!/bin/sh\necho '{event}'\necho '{event}' >&2\n"
    lines = f"RUN rm /opt/venv/bin/python && mv {SITE}/fake /opt/venv/bin/python && chmod 755 /opt/venv/bin/python"
    seen = see("reach.fails", "reach.passes", "control.passes", reference=image({"fake": fake}, lines))
    assert {o.ended for o in seen.values()} == {Ended.EXITED}


@pytest.mark.container
def test_what_a_cell_and_its_image_set_for_the_loader_reaches_probes_alone(
    see: Observe, image: Callable[..., str]
) -> None:
    loader = (("LD_DEBUG", "libs"), ("LD_DEBUG_OUTPUT", "/tmp/loader"), ("LD_LIBRARY_PATH", "/image"))
    cell = (("LD_PRELOAD", "/no/such.so"), ("PYTHONPATH", "/cell"), ("PYTHONSTARTUP", "/cell/start.py"))
    reference = image({}, "ENV " + " ".join(f"{name}={value}" for name, value in loader))
    seen = see("reach.environment", "reach.traced", reference=reference, environment=loader, variables=cell)
    found = seen["reach.environment"].value
    assert isinstance(found, dict)
    assert {*loader, *cell} <= set(found.items())
    traced = seen["reach.traced"].value
    assert traced
    assert 1 not in traced, "the loader did for the supervisor what an image told it"


@pytest.mark.container
@pytest.mark.parametrize("probe", ["reach.environment", "reach.environment_afresh"])
def test_a_probe_sees_the_variables_of_its_key_and_of_its_image_and_no_others(see: Observe, probe: str) -> None:
    found = see(probe, variables=(("MINE", "1"), ("TZ", "Asia/Tokyo")))[probe].value
    assert isinstance(found, dict)
    assert str(found.pop("TMPDIR")).startswith("/tmp/probes-")
    assert found.pop("COMPAT_CONTROL_MEMORY") == str(256 * 1024**2)
    assert str(found.pop("PATH")).startswith("/opt/venv/bin:")
    fixed = {name: value for name, value in FIXED_VARIABLES if name != "TMPDIR"}
    assert found == {**fixed, "MINE": "1", "TZ": "Asia/Tokyo"}
