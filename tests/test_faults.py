"""Bad days, made real: a daemon of the tests' own is killed, filled and cut under the command `compat`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import NOW, cell, lock_of, recipe_of, run_context
from fault_project import MATRIX, SOON, VERSIONS, Project, ended, goes_on, middle, until
from second_daemon import SecondDaemon, base_of, engine_on, second_daemon
from silent_index import Index
from staged import load

from orchestrator import paths
from orchestrator.engine import owner
from orchestrator.errors import CellStatus, ExitCode, Phase
from orchestrator.image import dockerfile
from orchestrator.model import (
    BuildContext,
    Ended,
    Limits,
    Lock,
    Prepared,
    Recipe,
    Strategy,
)
from orchestrator.run.cells import run_cell
from orchestrator.run.observe import ProbeSession, observe

TEMPLATES = dockerfile.read(paths.data("images"))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondDaemon]:
    """A daemon without network that already has the images of the tiny matrix: the tests' usual one made them."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "matrix.yaml").write_text(MATRIX)
    usual = Project(folder, os.environ.get("DOCKER_HOST", ""))
    there = images()
    status, said = usual.run()
    assert status == ExitCode.OK, said
    records = usual.records().values()
    base = next(record.base for record in records if record.base)
    cells = [f"compat-cell:{record.image_key[:20]}" for record in records]
    with second_daemon(folder, gigabytes=4.5) as started:
        started.copy_in(f"compat-base:{base.name}", base.image, *cells)
        subprocess.run(["docker", "rmi", *(set(cells) - there)], capture_output=True, check=False, timeout=60)
        yield started
        assert not started.containers(), "a container was left behind"


def images() -> set[str]:
    """Images of cells in the usual daemon."""
    command = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "compat-cell"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split())


@pytest.fixture
def project(daemon: SecondDaemon, tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    yield Project(tmp_path, daemon.host)
    for left in daemon.containers():
        daemon.docker("rm", "--force", "--volumes", left)


@pytest.fixture
def filled(daemon: SecondDaemon) -> Iterator[Callable[[int], Path]]:
    """Fills the daemon's disk until so many bytes are free, those kept for root included."""
    filler = daemon.disk / "filler"

    def fill(free: int) -> Path:
        stats = os.statvfs(daemon.disk)
        size = stats.f_bfree * stats.f_frsize - free
        subprocess.run(["fallocate", "--length", str(size), str(filler)], check=True)
        return filler

    yield fill
    filler.unlink(missing_ok=True)


# ------------------------------------------------------------ no daemon


def test_an_engine_that_was_named_and_is_absent_ends_the_command_with_ways_on(tmp_path: Path) -> None:
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    status, said = Project(tmp_path, f"unix://{tmp_path}/nobody.sock").run()
    assert status == ExitCode.NO_ENGINE
    for way in ("nobody.sock", "nox -s engine", "DOCKER_HOST", "--engine local"):
        assert way in said
    assert not (tmp_path / ".compat" / "runs").exists()


@pytest.fixture
def index() -> Iterator[Index]:
    with Index() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


def test_a_place_for_results_that_is_none_is_said_without_a_traceback(tmp_path: Path, index: Index) -> None:
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    (tmp_path / ".compat").write_text("not a folder")
    process = Project(tmp_path, f"unix://{tmp_path}/nobody.sock").start("--engine", "local", PIP_INDEX_URL=index.url)
    status, said = ended(process)
    assert status == ExitCode.INFRA
    assert ".compat" in said


# ------------------------------------------------------------ the run is ended


@pytest.mark.faults
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_whose_index_falls_silent_can_be_interrupted(project: Project, index: Index, how: signal.Signals) -> None:
    process = project.start(PIP_INDEX_URL=index.url, UV_DEFAULT_INDEX=index.url)
    until(index.waiting.is_set)
    began = time.monotonic()
    process.send_signal(how)
    status, said = ended(process, SOON)
    assert (status, time.monotonic() - began < 30) == (ExitCode.INTERRUPTED, True)
    assert f"results of 0 of {len(VERSIONS)} cells are saved" in said
    assert project.records() == {}


@pytest.mark.faults
@pytest.mark.network
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupted_run_leaves_no_container_keeps_what_it_had_and_goes_on(
    project: Project, daemon: SecondDaemon, how: signal.Signals
) -> None:
    process = project.start("--workers", "1")
    until(lambda: middle(project, daemon))
    began = time.monotonic()
    # A terminal sends Ctrl-C to everything that runs in it; `kill` and a service's end reach one process.
    if how is signal.SIGINT:
        os.killpg(process.pid, how)
        time.sleep(0.2)
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    status, said = ended(process, SOON)
    assert (status, time.monotonic() - began < 10) == (ExitCode.INTERRUPTED, True)
    assert daemon.containers() == []
    assert daemon.docker("volume", "ls", "--quiet").stdout == ""
    assert f"Nothing is left running; results of {len(project.ran())} of {len(VERSIONS)} cells are saved" in said
    assert "nothing was run" not in said
    assert {r.status for r in project.records().values()} == {CellStatus.RAN}
    goes_on(project)


@pytest.mark.faults
@pytest.mark.network
def test_what_a_killed_run_left_is_reaped_by_the_next_and_nothing_of_anothers(
    project: Project, daemon: SecondDaemon
) -> None:
    image = daemon.docker("images", "--quiet", "compat-base").stdout.split()[0]

    def theirs(label: str) -> str:
        return daemon.docker("create", "--network=none", "--label", label, image, "true").stdout.strip()

    others = {
        theirs(f"{owner.LABEL}=elsewhere|1|x"),
        theirs(f"{owner.LABEL}={owner.current()}"),
        theirs("theirs=1"),
    }
    process = project.start("--workers", "1")
    until(lambda: project.ran() and set(daemon.containers()) - others)
    process.kill()
    process.communicate(timeout=SOON)
    left = set(daemon.containers()) - others
    assert left
    goes_on(project)
    assert set(daemon.containers()) == others
    assert daemon.docker("volume", "ls", "--quiet").stdout == ""


# ------------------------------------------------------------ the daemon is ended


@pytest.mark.faults
@pytest.mark.network
def test_a_daemon_that_dies_costs_the_cells_that_ran_on_it_and_the_same_command_goes_on(
    project: Project, daemon: SecondDaemon
) -> None:
    process = project.start("--workers", "1")
    until(lambda: middle(project, daemon))
    daemon.kill()
    try:
        status, said = ended(process)
    finally:
        daemon.start()
    assert status == ExitCode.INFRA, said
    records = project.records()
    assert set(records) == set(VERSIONS)
    assert project.ran()
    lost = [record for record in records.values() if record.status is not CellStatus.RAN]
    assert lost
    assert {record.status for record in lost} == {CellStatus.INFRA}
    assert said.count("our fault, no finding") == len(lost)
    goes_on(project)
    assert daemon.containers() == []


@pytest.mark.faults
@pytest.mark.network
def test_a_daemon_that_dies_under_the_first_cells_leaves_every_cell_to_be_tried_again(
    project: Project, daemon: SecondDaemon
) -> None:
    process = project.start("--workers", "2")
    until(daemon.containers)
    daemon.kill()
    try:
        status, said = ended(process)
    finally:
        daemon.start()
    assert status == ExitCode.INFRA, said
    assert {r.status for r in project.records().values()} == {CellStatus.INFRA}
    assert len(project.records()) == len(VERSIONS)


@pytest.mark.faults
@pytest.mark.network
def test_a_daemon_that_hangs_does_not_hold_an_interrupt_up_and_is_not_said_to_be_cleaned(
    project: Project, daemon: SecondDaemon
) -> None:
    process = project.start("--workers", "1")
    until(lambda: middle(project, daemon))
    with daemon.frozen():
        process.send_signal(signal.SIGINT)
        status, said = ended(process)
    assert status == ExitCode.INTERRUPTED
    assert "Nothing is left running" not in said
    assert "the next start removes" in said
    goes_on(project)
    assert daemon.containers() == []


# ------------------------------------------------------------ the disk is full


@pytest.mark.faults
@pytest.mark.network
def test_a_nearly_full_disk_stops_the_run_before_the_daemon_chokes(
    project: Project, daemon: SecondDaemon, filled: Callable[[int], Path]
) -> None:
    filler = filled(1_000_000_000)
    before = daemon.docker("images", "--all", "--quiet").stdout
    status, said = project.run()
    assert status == ExitCode.INFRA
    assert "3.0 GB needed; cell images use 0.0 GB" in said
    assert {record.reason for record in project.records().values()} == {"disk-full"}
    assert daemon.docker("images", "--all", "--quiet").stdout == before
    assert daemon.containers() == []
    filler.unlink()
    status, said = project.run()
    assert status == ExitCode.OK, said
    assert project.ran() == set(VERSIONS)


@dataclass(frozen=True)
class Heavy:
    """Renders every cell as an image that holds 200 MB."""

    image: str

    def cell(self, _recipe: Recipe) -> BuildContext:
        text = f"FROM {self.image}\nCOPY heavy /heavy\n"
        return BuildContext(dockerfile=text, files=(("heavy", bytes(200_000_000)),))


@pytest.mark.faults
def test_a_build_that_runs_out_of_disk_is_no_finding_about_the_package(
    daemon: SecondDaemon, filled: Callable[[int], Path], tmp_path: Path
) -> None:
    filled(60_000_000)
    engine = engine_on(daemon, Heavy(base_of(daemon).image))
    try:
        shop = run_context(tmp_path, engine, resolve=lock_of, recipe=recipe_of, base=lambda _: base_of(daemon))
        # no image may make room here: other tests' can't be built again without network
        shop.worker.in_use.update((image.key, image.key) for image in engine.images())
        record = run_cell(cell(), shop)
    finally:
        engine.close()
    assert (record.status, record.phase, record.reason) == (CellStatus.INFRA, Phase.BUILD, "disk-full")
    assert "no space left on device" in record.detail
    assert daemon.docker("version", check=False).returncode == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB for results."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.faults
@pytest.mark.network
def test_results_that_find_no_room_end_the_run_with_what_was_kept(
    project: Project, daemon: SecondDaemon, small: Path
) -> None:
    (small / "matrix.yaml").write_text(MATRIX)
    cramped = Project(small, project.host)
    process = cramped.start("--workers", "1")
    until(lambda: middle(cramped, daemon))
    stats = os.statvfs(small)
    subprocess.run(["fallocate", "--length", str(stats.f_bfree * stats.f_frsize), str(small / "filler")], check=True)
    status, said = ended(process, SOON)
    assert status == ExitCode.INFRA
    assert "No space left on device" in said
    assert daemon.containers() == []
    (small / "filler").unlink()
    goes_on(cramped)


# ------------------------------------------------------------ probes misbehave


@pytest.mark.faults
def test_a_probe_that_misbehaves_ends_as_itself_and_harms_no_other(daemon: SecondDaemon, tmp_path: Path) -> None:
    folder = tmp_path / "probes"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("misbehaving.py"), folder / "bad.py")
    probes = load(folder)
    wanted = tuple(p for p in probes.probes.values() if p.group == "bad")
    engine = engine_on(daemon, TEMPLATES)
    base = base_of(daemon)
    limits = Limits(memory=256 * 1024**2, pids=64, probe_seconds=20, import_seconds=20, cell_seconds=120)
    try:
        shop = run_context(tmp_path, engine, suite=probes, limits=limits)
        prepared = Prepared(
            key="", reference=base.image, interpreter=base.interpreter, trusted=base.trusted, built=False
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
        seen = observe(
            ProbeSession(task=shop.task(cell()), lock=lock, prepared=prepared, probes=wanted), shop.worker, lambda o: o
        )
    finally:
        engine.close()
    found = {o.probe.partition(".")[2]: o for o in seen.observations}
    assert {name: o.ended for name, o in found.items()} == {
        "crashes": Ended.SIGNAL,
        "hangs": Ended.TIMEOUT,
        "forks_without_end": Ended.TIMEOUT,
        "eats_memory": Ended.OOM,
        "prints_ten_megabytes": Ended.RETURNED,
        "closes_its_outputs": Ended.RETURNED,
        "talks_like_the_supervisor": Ended.RETURNED,
        "kills_everything_else": Ended.RETURNED,
        "not_at_all": Ended.RETURNED,
    }
    assert found["crashes"].signal == signal.SIGSEGV
    assert found["prints_ten_megabytes"].output.endswith("the last line\n")
    assert len(found["prints_ten_megabytes"].output) <= 4000
    assert daemon.containers() == []
