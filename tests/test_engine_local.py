"""The local engine: environments on this machine, processes that never outlive their task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from credentialed_index import EXPECTED, PASSWORD, index

from orchestrator.engine import build, local_process
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.local_process import MARK
from orchestrator.errors import CellError, CellStatus
from orchestrator.model import FIXED_VARIABLES, BaseSpec, Distribution, Limits, Recipe, Step, StepKind, Task

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
SIX = Distribution(
    name="six",
    version="1.16.0",
    filename="six-1.16.0-py2.py3-none-any.whl",
    sha256="8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
)
SIX_SOURCE = Distribution(
    name="six",
    version="1.16.0",
    filename="six-1.16.0.tar.gz",
    sha256="1e61c37477a1626458e36f7b1d82aa5c9b094fa4802892072e49de9c60c4c926",
)


@pytest.fixture
def engine(tmp_path: Path) -> LocalEngine:
    return LocalEngine(tmp_path / "root")


@pytest.fixture
def reference(tmp_path: Path) -> str:
    """An environment that is none: this interpreter under its own name."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    return str(tmp_path / "venv")


def python(code: str, **options: object) -> Task:
    limits = Limits(cell_seconds=20, silence_seconds=20)
    return Task(**{"command": (sys.executable, "-c", code), "limits": limits, **options})  # type: ignore[arg-type]


def ran(engine: LocalEngine, reference: str, task: Task) -> tuple[list[str], object]:
    lines: list[bytes] = []
    ended = engine.run(reference, task, lines.append)
    return [line.decode() for line in lines], ended


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_it_says_that_it_isolates_nothing_and_holds_only_time(engine: LocalEngine) -> None:
    assert str(engine.check()) == "local"
    assert not engine.kind.isolated
    assert engine.enforces == {"time"}


def test_a_task_finds_its_files_where_it_says_probes(engine: LocalEngine, reference: str) -> None:
    task = Task(command=(sys.executable, "/probes/hello.py", "/probes/deep/x"), files=(
        ("hello.py", b"import sys; print(open(sys.argv[1]).read())"), ("/probes/deep/x", b"found"),
    ))  # fmt: skip
    lines, ended = ran(engine, reference, task)
    assert (lines, ended.code) == (["found"], 0)  # type: ignore[attr-defined]


def test_a_path_that_leaves_the_task_is_refused(engine: LocalEngine, reference: str) -> None:
    with pytest.raises(ValueError, match="not a path below"):
        engine.run(reference, Task(command=("true",), files=(("../x", b""),)), lambda _line: None)


def test_a_task_sees_its_own_variables_and_not_this_shells(
    engine: LocalEngine, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of this shell")
    code = "import os; e = os.environ; print(e.get('A_SECRET'), e['ASKED'], e['TZ'], e['HOME'] == os.getcwd())"
    lines, _ = ran(engine, reference, python(code, environment=(("ASKED", "yes"), ("HOME", "/tmp"))))
    assert lines == ["None yes UTC True"]


def test_a_task_sees_what_is_in_its_key_and_no_other_variables(
    engine: LocalEngine, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/libraries/of/this/shell")
    lines, _ = ran(engine, reference, python("import json, os; print(json.dumps(dict(os.environ)))"))
    seen = json.loads(lines[0])
    own = {name: seen.pop(name) for name in ("HOME", "TMPDIR", "PATH", MARK, "LD_LIBRARY_PATH")}
    assert own["HOME"] == own["TMPDIR"]
    assert seen == {name: value for name, value in FIXED_VARIABLES if name not in own}


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "VIRTUAL_ENV", "PYTHONPATH", "UV_PUBLISH_TOKEN"]
)
def test_installing_knows_the_network_and_nothing_else_of_this_shell(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    seen: list[dict[str, str]] = []

    def noted(command: list[str], log: Path, *, stopping: object, env: dict[str, str]) -> build.CompletedBuild:
        seen.append(env)
        return build.CompletedBuild(code=1, output="")

    monkeypatch.setattr(build, "execute", noted)
    monkeypatch.setenv(name, "of this shell")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    with pytest.raises(CellError):
        engine.base(BaseSpec(name="here", python=MINOR), tmp_path / "log")
    assert seen
    assert all(name not in env for env in seen)
    assert {"PATH", "HTTPS_PROXY", "UV_PYTHON_DOWNLOADS"} <= seen[0].keys()


def test_code_that_a_resolver_or_a_build_runs_sees_an_index_and_no_credentials(
    engine: LocalEngine, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, urllib.request as r; print(sorted(os.environ.items())); "
        "print(r.urlopen(os.environ['PIP_INDEX_URL'] + 'a/').read())"
    )
    with index(secret=True) as served:
        served.add("a", "a-1.tar.gz", b"x")
        for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
            monkeypatch.setenv(name, served.root)
        lines, ended = ran(engine, reference, replace(python(code), builder=True, network=True))
        assert ("/simple/a/", EXPECTED) in served.authorized
    assert ended.code == 0, ended.stderr  # type: ignore[attr-defined]
    assert "a-1.tar.gz" in lines[1]
    assert PASSWORD not in "".join(lines)
    assert str(served.port) not in lines[0]


def test_lines_arrive_while_the_task_runs(engine: LocalEngine, reference: str) -> None:
    heard: list[float] = []
    code = "import time; print(1, flush=True); time.sleep(0.6); print(2, flush=True)"
    engine.run(reference, python(code), lambda _line: heard.append(time.monotonic()))
    assert heard[1] - heard[0] > 0.4


def test_the_exit_code_and_stderr_are_handed_on(engine: LocalEngine, reference: str) -> None:
    _, ended = ran(engine, reference, python("import sys; sys.stderr.write('why'); sys.exit(3)"))
    assert (ended.code, ended.stderr) == (3, "why")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("limits", "which"),
    [(Limits(cell_seconds=0.5), "timed_out"), (Limits(cell_seconds=20, silence_seconds=0.5), "silent")],
)
def test_a_limit_ends_the_task_and_says_which(engine: LocalEngine, reference: str, limits: Limits, which: str) -> None:
    _, ended = ran(engine, reference, python("import time; time.sleep(60)", limits=limits))
    assert getattr(ended, which)
    assert ended.seconds < 10  # type: ignore[attr-defined]


RUNAWAY = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(os.getpid(), flush=True)
        time.sleep(60)
    os._exit(0)
time.sleep({seconds})
"""


@pytest.mark.parametrize("seconds", ["0.3", "60"])
def test_nothing_a_task_started_outlives_it_even_from_another_session(
    engine: LocalEngine, reference: str, seconds: str
) -> None:
    lines, _ = ran(engine, reference, python(RUNAWAY.format(seconds=seconds), limits=Limits(cell_seconds=3)))
    assert len(lines) == 1
    assert not alive(int(lines[0]))


def test_an_interrupt_in_the_caller_ends_the_tree_and_leaves_no_file(
    engine: LocalEngine, reference: str, tmp_path: Path
) -> None:
    seen: list[int] = []

    def interrupted(line: bytes) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run(reference, python(RUNAWAY.format(seconds="60")), interrupted)
    assert not alive(seen[0])
    assert list((tmp_path / "root" / "tasks").iterdir()) == []


def test_halt_makes_a_waiting_run_return_at_once(engine: LocalEngine, reference: str) -> None:
    threading.Timer(0.3, engine.halt).start()
    _, ended = ran(engine, reference, python("import time; time.sleep(60)"))
    assert ended.lost == "the run was stopped"  # type: ignore[attr-defined]
    assert ended.code is None  # type: ignore[attr-defined]


def test_a_program_that_is_not_there_is_infra(engine: LocalEngine, reference: str) -> None:
    with pytest.raises(CellError) as caught:
        engine.run(reference, Task(command=("/nowhere/python",)), lambda _line: None)
    assert caught.value.status is CellStatus.INFRA


def test_what_a_killed_run_left_is_reaped_and_a_living_ones_is_not(engine: LocalEngine, tmp_path: Path) -> None:
    root = tmp_path / "root"
    dead, living = "d" * 32, "a" * 32
    code = f"""
import os, pathlib, sys
from orchestrator.engine import owner
place = pathlib.Path({str(root)!r}) / "tasks" / {dead!r}
place.mkdir(parents=True)
(place / "owner").write_text(str(owner.current()))
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
    from orchestrator.engine import owner

    (root / "tasks" / living).mkdir()
    (root / "tasks" / living / "owner").write_text(str(owner.current()))
    left = {m: subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: m}) for m in (dead, living)}
    try:
        assert engine.reap() == 1
        assert left[dead].wait(timeout=5) == -9
        assert left[living].poll() is None
        assert [p.name for p in (root / "tasks").iterdir()] == [living]
    finally:
        for process in left.values():
            process.kill()
            process.wait()


def test_killing_by_mark_touches_no_process_without_it() -> None:
    assert local_process.kill_marked("f" * 32) == 0


def test_a_python_that_is_nowhere_is_unavailable_and_says_how_to_get_it(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(CellError) as caught:
        engine.base(BaseSpec(name="none", python="3.99"), tmp_path / "log")
    assert (caught.value.status, caught.value.reason) == (CellStatus.UNAVAILABLE, "no-python")
    assert "uv python install 3.99" in caught.value.detail


@pytest.mark.local
@pytest.mark.network
def test_an_environment_is_built_once_runs_and_can_be_removed(engine: LocalEngine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    base = engine.base(BaseSpec(name="here", python=MINOR), log)
    recipe = Recipe(base=base, steps=(Step(kind=StepKind.WHEELS, title="six", distributions=(SIX,)),))
    first, second = engine.prepare(recipe, log), engine.prepare(recipe, log)
    assert (first.built, second.built) == (True, False)
    task = Task(command=(first.interpreter, "-c", "import six, sys; print(six.__version__, sys.prefix)"))
    lines, _ = ran(engine, first.reference, task)
    assert lines == [f"1.16.0 {first.reference}"]
    builder = Task(command=("python", "-m", "pip", "--version"), builder=True, network=True)
    assert ran(engine, base.image, builder)[1].code == 0  # type: ignore[attr-defined]
    assert first.trusted == str(Path(first.interpreter).resolve())
    assert not Path(first.trusted).is_relative_to(tmp_path)
    assert [s.key for s in engine.images()] == [recipe.key]
    engine.remove([first.reference])
    assert engine.images() == ()


@pytest.mark.local
@pytest.mark.network
def test_a_source_distribution_is_compiled(engine: LocalEngine, tmp_path: Path) -> None:
    base = engine.base(BaseSpec(name="here", python=MINOR), tmp_path / "log")
    steps = (Step(kind=StepKind.COMPILE, title="six", distributions=(SIX_SOURCE,)),)
    made = engine.prepare(Recipe(base=base, steps=steps), tmp_path / "log")
    assert ran(engine, made.reference, Task(command=(made.interpreter, "-c", "import six")))[1].code == 0  # type: ignore[attr-defined]


@pytest.mark.local
@pytest.mark.network
def test_a_file_that_can_not_be_had_is_infra_and_leaves_nothing(engine: LocalEngine, tmp_path: Path) -> None:
    base = engine.base(BaseSpec(name="here", python=MINOR), tmp_path / "log")
    wrong = Distribution(name="six", version="1.16.0", filename=SIX.filename, sha256="0" * 64)
    recipe = Recipe(base=base, steps=(Step(kind=StepKind.WHEELS, title="six", distributions=(wrong,)),))
    with pytest.raises(CellError) as caught:
        engine.prepare(recipe, tmp_path / "log")
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "fetch")
    assert engine.images() == ()
