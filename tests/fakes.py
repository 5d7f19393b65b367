"""An engine, a suite and a run_context without containers: fast, and able to fail in every way an engine can."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.model import (
    Axis,
    Base,
    BaseSpec,
    Cell,
    Choice,
    Distribution,
    EngineId,
    EngineKind,
    Exit,
    Group,
    Limits,
    Lock,
    Prepared,
    Probe,
    ProbeKind,
    Recipe,
    RunInfo,
    Step,
    StepKind,
    Stored,
    Task,
    digest,
)
from orchestrator.run.context import RunContext, Worker
from orchestrator.run.notes import Ledger
from orchestrator.run.watch import Silent
from orchestrator.store.store import Store
from orchestrator.suite.stated import ProbeFiles

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

TF = Axis(name="tf", kind="package", package="tensorflow")
SUBJECT = Axis(name="kerassurgeon", kind="package", package="kerassurgeon", subject=True, default="none")
PYTHON = Axis(name="python", kind="python")
RESOLVE = Axis(name="resolve", kind="resolve")

BASE = Base(
    name="fake-3.9",
    python="3.9",
    full_version="3.9.2",
    glibc="2.36",
    image="fake-base",
    identity="b" * 64,
    interpreter="/opt/venv/bin/python",
)


def cell(tf: str = "2.4.1", subject: str = "none", python: str = "3.9", resolve: str = "released") -> Cell:
    return Cell(
        choices=(
            Choice(axis=TF, name=tf),
            Choice(axis=SUBJECT, name=subject),
            Choice(axis=PYTHON, name=python),
            Choice(axis=RESOLVE, name=resolve),
        )
    )


def probe(name: str, **fields: object) -> Probe:
    group = name.split(".", maxsplit=1)[0]
    values: dict[str, object] = {
        "id": name,
        "question": f"{name}?",
        "group": group,
        "kind": ProbeKind.CONTROL if group == "control" else ProbeKind.CHECK,
        "source": "test",
        "digest": f"digest of {name}",
        "proof": f"proof of {name}",
    }
    return Probe(**(values | fields))  # type: ignore[arg-type]


def suite(*names: str, home: Path | None = None) -> ProbeFiles:
    """A suite of these checks and a control, kept in `home`."""
    probes = {name: probe(name) for name in ("control.passes", *names)}
    return ProbeFiles(
        probes=probes,
        files=(),
        expects={"control.passes": {"ended": "returned"}},
        proven=frozenset(probes),
        homes=dict.fromkeys(names, home) if home else {},
    )


def lock_of(chosen: Cell, base: Base) -> Lock:
    version = chosen["tf"].name
    # no two strategies pick the same files: cells that differ in nothing else would share their observations
    picked = digest([version, chosen.strategy])
    return Lock(
        python=base.python,
        platform=base.platform,
        device="cpu",
        strategy=chosen.strategy,
        resolver="fake 1",
        cutoff=NOW,
        distributions=(
            Distribution(name="tensorflow", version=version, filename=f"tensorflow-{version}.whl", sha256=picked),
        ),
    )


def recipe_of(lock: Lock, base: Base, _subjects: tuple[str, ...]) -> Recipe:
    return Recipe(base=base, steps=(Step(kind=StepKind.WHEELS, title="all", distributions=lock.distributions),))


@dataclass
class FakeEngine:
    """Answers every probe as `script` says (default: returned); counts what it was asked to do."""

    script: Callable[[str], dict[str, object]] = lambda _probe: {"ended": "returned"}
    ending: Callable[[], Exit] = lambda: Exit(code=0, seconds=1.0)
    name: str = "fake"
    isolated: bool = True
    enforces: frozenset[str] = frozenset({"memory", "cpus", "pids", "network", "read-only", "time"})
    cut_after: int | None = None
    free: int = 10**12
    downloads: int = 0
    prepared: list[str] = field(default_factory=list)
    started: list[tuple[str, ...]] = field(default_factory=list)
    halted: bool = False
    stored: tuple[Stored, ...] = ()

    @property
    def kind(self) -> EngineKind:
        return EngineKind(
            name=self.name, about="", isolated=self.isolated, holds=self.enforces, open=lambda _env, _renderer: self
        )

    def check(self) -> EngineId:
        return self.kind.id("1")

    def base(self, spec: BaseSpec, log: Path) -> Base:
        return BASE

    def fetch(self, reference: str) -> str:
        return f"identity of {reference}"

    def prepare(self, recipe: Recipe, log: Path) -> Prepared:
        self.prepared.append(recipe.key)
        return Prepared(
            key=recipe.key, reference=f"fake:{recipe.key[:8]}", interpreter="python", trusted="python", built=True
        )

    def run(self, reference: str, task: Task, on_line: Callable[[bytes], None]) -> Exit:
        plan = json.loads(dict(task.files)["plan.json"])
        self.started.append(tuple(plan["probes"]))
        events: list[dict[str, object]] = [{"event": "hello", "python": "3.9.2", "pid": 1, "closed": True}]
        for name in plan["probes"]:
            events.append({"event": "started", "probe": name, "fresh": False})
            events.append({"event": "ended", "probe": name} | self.script(name))
        events.append({"event": "bye", "probes": len(plan["probes"]), "seconds": 1.0})
        for number, event in enumerate(events[: self.cut_after]):
            line = json.dumps({"seq": number, "t": 0.1} | event, ensure_ascii=False)
            on_line(line.encode("utf-8", "replace"))  # half a surrogate pair becomes a question mark, as in probes/
        return self.ending()

    def halt(self) -> None:
        self.halted = True

    def close(self) -> None:
        pass

    def images(self) -> tuple[Stored, ...]:
        return self.stored

    def remove(self, references: Iterable[str]) -> int:
        gone = set(references)
        freed = sum(image.size for image in self.stored if image.reference in gone)
        self.stored = tuple(image for image in self.stored if image.reference not in gone)
        self.free += freed
        return freed

    def reap(self) -> int:
        return 0

    def drop_downloads(self) -> None:
        self.free += self.downloads
        self.downloads = 0

    def disk_free(self) -> int:
        return self.free


def run_context(tmp_path: Path, engine: FakeEngine, *names: str, **fields: object) -> RunContext:
    """A run without containers, on a store below `tmp_path`; `fields` are of the context or of its worker."""
    probes = fields.pop("suite", None) or suite(*(names or ("tensorflow.fit",)))
    store, watch = Store(root=tmp_path / "store"), fields.pop("watch", Silent())
    run = RunInfo(
        id="run1",
        as_of=NOW,
        started=NOW,
        engine=EngineId(kind=engine.kind.name, isolated=True),
        matrix_digest="m",
        suite_digest=probes.digest,
    )
    worker = Worker(
        engine=engine,
        suite=probes,
        known=store,
        tell=Ledger(store=store, watch=watch).hear,
        now=lambda: NOW,
        preflight=lambda _cell: None,
        base=lambda _python: BASE,
        resolve=lock_of,
        recipe=recipe_of,
    )
    made = RunContext(
        run=run,
        store=store,
        watch=watch,
        limits=Limits(),
        groups=lambda _cell: (Group(name="tensorflow"),),
        worker=worker,
    )
    return altered(made, **fields)


def altered(context: RunContext, **fields: object) -> RunContext:
    """The context with other fields, its own or its worker's."""
    own = {name: value for name, value in fields.items() if name in RunContext.__dataclass_fields__}
    theirs = {name: value for name, value in fields.items() if name not in own}
    return replace(context, **own, worker=replace(context.worker, **theirs))
