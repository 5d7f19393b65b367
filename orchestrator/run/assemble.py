"""Puts the rooms below together into a run_context: the only place that knows locks, images and engines at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.image import bases, dockerfile, recipe
from orchestrator.image.dockerfile import Templates
from orchestrator.lock import strategies, tags, uv
from orchestrator.lock.settings import uv_environment
from orchestrator.lock.tools import Facts, Result, Tools, Wheels
from orchestrator.matrix import expand
from orchestrator.model import (
    Base,
    BaseSpec,
    Cell,
    Engine,
    IndexFile,
    Limits,
    Lock,
    Prepared,
    Recipe,
    RunInfo,
    Sources,
    Task,
)
from orchestrator.run.context import RunContext, Worker
from orchestrator.run.forecast import UNPACKED, UNPACKED_LIBRARIES, Needed
from orchestrator.run.local import Builds
from orchestrator.run.notes import Ledger
from orchestrator.run.parts import Parts
from orchestrator.run.watch import Watcher

DISK_BUDGET = 25_000_000_000
"""Bytes that cell images may take together, unless said otherwise."""
RESOLVE_SECONDS = 600.0
"""A resolver in a builder is ended after this."""
_NO_SPACE = "no space left on device"
ANSWER_BYTES = 64 * 1024 * 1024
"""A resolver's answer that is larger is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """A run's limits: cells in parallel, bytes to leave free, bytes that images may use (0: no limit)."""

    watch: Watcher
    now: Callable[[], datetime]
    environment: Mapping[str, str]
    lock: Callable[[Cell, Base, Wheels, Tools], Lock] = strategies.lock
    workers: int = 2
    probes: tuple[str, ...] = ()
    disk_floor: int = 3_000_000_000
    disk_budget: int = DISK_BUDGET


def run_context(parts: Parts, engine: Engine, run: RunInfo, terms: Terms) -> RunContext:
    """Everything `run_cells` needs. Each base is looked up once per run, found or not."""
    templates, stop = dockerfile.read(parts.images), threading.Event()

    def gpus(image: Prepared) -> str:
        return parts.devices.gpus(image, engine, parts.matrix.limits)

    worker = Worker(
        engine=engine,
        suite=parts.suite,
        known=parts.store,
        tell=Ledger(store=parts.store, watch=terms.watch).hear,
        now=terms.now,
        preflight=preflight(parts.index),
        base=_bases(parts, engine, run),
        resolve=_resolver(parts, Builds(engine=engine, shelf=parts.store.shelf, script=templates.script), terms, stop),
        recipe=_recipes(parts, templates),
        inspection=parts.devices.inspection,
        gpus=once(gpus),
        gpus_now=gpus,
        disk_floor=terms.disk_floor,
        stop=stop,
    )
    return RunContext(
        run=run,
        store=parts.store,
        watch=terms.watch,
        limits=parts.matrix.limits,
        groups=lambda cell: expand.groups_of(cell, parts.matrix),
        worker=worker,
        wanted=terms.probes,
        disk_budget=terms.disk_budget,
    )


def _bases(parts: Parts, engine: Engine, run: RunInfo) -> Callable[[str], Base]:
    """Python minor → the first of its bases that can be had; raises CellError where none can."""
    specs = bases.load(parts.images / "bases.yaml")
    shelf: dict[str, Base | CellError] = {}

    def base(python: str) -> Base:
        if python not in shelf:
            log = parts.store.log_path(run.id, f"base-{python}")
            shelf[python] = _obtain(python, bases.candidates(python, specs), engine, log)
        found = shelf[python]
        if isinstance(found, CellError):
            raise found
        return found

    return base


def _resolver(parts: Parts, builds: Builds, terms: Terms, stop: threading.Event) -> Callable[[Cell, Base], Lock]:
    """Cell and base → lock, by the tools of this machine and of the base's builder."""
    listed = tuple(c for choices in parts.matrix.choices for c in choices if c.sources or c.follows)

    def resolve(cell: Cell, base: Base) -> Lock:
        tools = Tools(
            uv_host=lambda arguments, stdin: uv.run_host(
                arguments, stdin, environment=uv_environment(terms.environment), seconds=RESOLVE_SECONDS, stop=stop
            ),
            in_builder=in_builder(builds.engine, base, parts.matrix.limits),
            sleep=lambda seconds: _pause(stop, seconds),
            image=builds.engine.fetch,
            built_for=lambda name, version, python, platform: parts.devices.built_for(
                name, version, python, platform, parts.index
            ),
            devices=listed,
            brought=builds.brought,
        )
        return terms.lock(cell, base, parts.index, tools)

    return resolve


def _recipes(parts: Parts, templates: Templates) -> Callable[[Lock, Base, tuple[str, ...]], Recipe]:
    """Lock, base and subjects → recipe, with a layer for the libraries of a device."""

    def to_recipe(lock: Lock, base: Base, subjects: tuple[str, ...]) -> Recipe:
        libraries = lock.libraries
        on_top = None if libraries is None else parts.devices.layer(libraries, templates.layer_digest)
        made = recipe.recipe(lock, base, subjects, template=templates.digest, on_top=on_top)
        return replace(made, shelf=str(parts.store.shelf.absolute()))

    return to_recipe


def any_base(engine: Engine, images: Path, log: Path) -> Base:
    """A base whose builder can compile: the first that can be had. Raises CellError where none can."""
    specs = bases.load(images / "bases.yaml")
    trouble = CellError(Phase.START, CellStatus.UNAVAILABLE, "no-python", "bases.yaml has no base")
    for python in dict.fromkeys(spec.python for spec in specs):
        found = _obtain(python, bases.candidates(python, specs), engine, log)
        if isinstance(found, Base):
            return found
        trouble = found
    raise trouble


def preflight(index: Facts) -> Callable[[Cell], dict[str, Needed]]:
    """`chosen_files` of this index, asked once for cells that differ only in what does not matter to it."""
    known: dict[object, dict[str, Needed] | CellError] = {}

    def ask(cell: Cell) -> dict[str, Needed]:
        key = (strategies.requirements(cell), cell.python, tuple((c.substitutes, c.sources) for c in cell.choices))
        if key not in known:
            try:
                known[key] = chosen_files(cell, index)
            except CellError as error:
                if error.status is CellStatus.INFRA:
                    raise
                known[key] = error
        found = known[key]
        if isinstance(found, CellError):
            raise found
        return found

    return ask


def chosen_files(cell: Cell, index: Facts) -> dict[str, Needed]:
    """The files (by sha256) that a cell's exact choices come from, on any base that has its Python; with those of its
    device's libraries, where the matrix names exact wheels.

    Raises CellError(unresolvable) where one of them has no file for that Python.
    """
    anywhere = Base(
        name="any",
        python=cell.python,
        full_version=f"{cell.python}.99",
        glibc="2.99",
        image="",
        identity="",
        interpreter="",
    )
    files = strategies.check(strategies.requirements(cell), anywhere, index)
    stand_ins = dict(pair for choice in cell.choices for pair in choice.substitutes)
    for original in files.keys() & stand_ins.keys():
        listed = tags.release(index.files(stand_ins[original]), files[original].version)
        files[original] = tags.select_file(listed, anywhere.full_version, anywhere.platform) or files[original]
    found = {file.sha256: _needed(file, UNPACKED) for file in files.values()}
    return found | {file.sha256: _needed(file, UNPACKED_LIBRARIES) for file in _libraries(cell, anywhere, index)}


def _needed(file: IndexFile, unpacked: float) -> Needed:
    size = file.size or 0
    return Needed(size=size, kept=int(size * unpacked))


def _libraries(cell: Cell, base: Base, index: Facts) -> Iterator[IndexFile]:
    """Wheels of a device's libraries. What can't be had counts for nothing here: locking says what is wrong with it."""
    sources = (choice.sources or Sources() for choice in cell.choices)
    for line in (wheel for source in sources for wheel in source.wheels):
        try:
            yield from strategies.check((line,), base, index).values()
        except CellError as error:
            if error.status is CellStatus.INFRA:
                raise


def _obtain(python: str, candidates: tuple[BaseSpec, ...], engine: Engine, log: Path) -> Base | CellError:
    """The first available base of a Python, or the reason why there is none."""
    found: Base | CellError = CellError(
        Phase.START, CellStatus.UNAVAILABLE, "no-python", f"bases.yaml has no base with Python {python}"
    )
    for spec in candidates:
        try:
            return engine.base(spec, log)
        except CellError as error:
            found = error
    return found


def once(ask: Callable[[Prepared], str]) -> Callable[[Prepared], str]:
    """The answer about the first image that anybody asks for: the machine stays the same during a run."""
    found: list[str] = []
    turn = threading.Lock()

    def answer(image: Prepared) -> str:
        with turn:
            if not found:
                found.append(ask(image))
        return found[0]

    return answer


def _pause(stop: threading.Event, seconds: float) -> None:
    stop.wait(seconds)


def in_builder(
    engine: Engine, base: Base, limits: Limits
) -> Callable[[tuple[str, ...], tuple[tuple[str, bytes], ...]], Result]:
    """A function that runs a resolver's command in the base's builder, with the index, bounded in time and output."""

    def run(command: tuple[str, ...], files: tuple[tuple[str, bytes], ...]) -> Result:
        lines: list[bytes] = []
        left = [ANSWER_BYTES]

        def take(line: bytes) -> None:
            left[0] -= len(line) + 1
            if left[0] < 0:
                raise infra(Phase.RESOLVE, "resolver-output", f"a resolver printed more than {ANSWER_BYTES} bytes")
            lines.append(line)

        bounded = replace(limits, cell_seconds=RESOLVE_SECONDS, silence_seconds=RESOLVE_SECONDS)
        task = Task(command=command, files=files, limits=bounded, network=True, builder=True)
        ended = engine.run(base.image, task, take)
        if ended.lost:
            raise infra(Phase.RESOLVE, "engine", ended.lost)
        if ended.code != 0 and (ended.oom_killed or _NO_SPACE in ended.stderr.lower()):
            raise infra(Phase.RESOLVE, "resolver-room", f"a resolver ran out of memory: {ended.stderr[-300:]}")
        return Result(
            code=-1 if ended.code is None else ended.code,
            stdout=b"\n".join(line.rstrip(b"\n") for line in lines).decode(errors="replace"),
            stderr=ended.stderr,
            timed_out=ended.timed_out or ended.silent,
            trouble=ended.trouble,
        )

    return run
