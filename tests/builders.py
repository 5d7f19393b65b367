"""Small cells, probes, observations and records for tests of what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from orchestrator.errors import CellStatus, Phase
from orchestrator.model import (
    Axis,
    Base,
    Cell,
    CellRecord,
    Choice,
    Distribution,
    Ended,
    EngineId,
    Frame,
    Group,
    Lock,
    Matrix,
    Observation,
    Probe,
    ProbeKind,
    Question,
    Raised,
    RunInfo,
    Strategy,
)
from orchestrator.verdict.judge import CellResult, Evidence, judge

DOCKER = EngineId(kind="docker", version="20.10", isolated=True)
LOCALLY = EngineId(kind="local", isolated=False)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CUTOFF = datetime(2021, 1, 20, 9, 0, tzinfo=UTC)
TF = Axis(name="tf", kind="package", package="tensorflow")
KERAS = Axis(name="keras", kind="package", package="keras", default="unpinned")
SURGEON = Axis(name="kerassurgeon", kind="package", package="kerassurgeon", subject=True, default="none")
PYTHON = Axis(name="python", kind="python")
RESOLVE = Axis(name="resolve", kind="resolve")
LISTED = {
    TF: ("2.3.4", "2.4.1", "2.15.1"),
    KERAS: ("unpinned", "2.4.3"),
    SURGEON: ("none", "0.2.0"),
    PYTHON: ("3.7", "3.9", "3.11"),
    RESOLVE: ("released", "pip-today", "uv-today", "forced"),
}
ASK = "Does KerasSurgeon {kerassurgeon} work on TensorFlow {tf}?"
MATRIX = Matrix(
    title="KerasSurgeon on TensorFlow",
    choices=tuple(tuple(Choice(axis=axis, name=name) for name in names) for axis, names in LISTED.items()),
    groups=(
        Group(name="environment"),
        Group(name="tensorflow", where=(("kerassurgeon", ("none",)),), core=("tensorflow.fit",)),
        Group(
            name="surgeon",
            where=(("kerassurgeon", ("!none",)),),
            core=("surgeon.import", "surgeon.dense"),
            stands_on=("environment.tensorflow",),
        ),
    ),
    questions=(Question(ask=ASK, group="surgeon"),),
)


def probe(name: str, kind: ProbeKind = ProbeKind.CHECK, needs: tuple[str, ...] = ("tensorflow",)) -> Probe:
    group = name.split(".", maxsplit=1)[0]
    needs = ("tensorflow", "kerassurgeon") if group == "surgeon" else needs
    return Probe(
        id=name, question=f"Does {name} do?", group=group, kind=kind, source="seed 000", needs=needs, digest=name
    )


PROBES: Mapping[str, Probe] = {
    p.id: p
    for p in (
        probe("control.passes", ProbeKind.CONTROL, ()),
        probe("environment.tensorflow", needs=()),
        probe("tensorflow.fit"),
        probe("tensorflow.save"),
        probe("surgeon.import"),
        probe("surgeon.dense"),
        probe("surgeon.conv"),
        probe("surgeon.sample", ProbeKind.BEHAVIOUR),
    )
}
LEN = Raised(
    type="TypeError",
    message="Keras symbolic inputs/outputs do not implement `__len__`. You may be trying to pass Keras symbolic "
    "inputs/outputs to a TF API that does not register dispatching.",
    frames=(
        Frame(file="probes/surgeon.py", line=30, function="dense"),
        Frame(file="kerassurgeon/operations.py", line=72, function="delete_channels"),
        Frame(file="tensorflow/python/keras/engine/keras_tensor.py", line=218, function="__len__"),
    ),
    text="Traceback (most recent call last):\n  …\nTypeError: Keras symbolic inputs/outputs do not implement `__len__`",
)
DESCRIPTORS = Raised(
    type="TypeError",
    message="Descriptors cannot be created directly.\nIf this call came from a _pb2.py file, your generated code "
    "is out of date and must be regenerated with protoc >= 3.19.0.",
    frames=(
        Frame(file="<frozen importlib._bootstrap>", line=1, function="_call"),
        Frame(file="google/protobuf/descriptor.py", line=560, function="__new__"),
    ),
)


def cell(
    tf: str = "2.4.1",
    surgeon: str = "0.2.0",
    python: str = "3.7",
    resolve: str = "released",
    keras: str = "unpinned",
) -> Cell:
    names = {TF: tf, KERAS: keras, SURGEON: surgeon, PYTHON: python, RESOLVE: resolve}
    return Cell(choices=tuple(Choice(axis=axis, name=name) for axis, name in names.items()))


def passed(name: str, **fields: object) -> Observation:
    return Observation(probe=name, ended=Ended.RETURNED, seconds=0.5, **fields)  # type: ignore[arg-type]


UNBUILDABLE = Raised(
    type="ValueError",
    message="The last dimension of the inputs to `Dense` should be defined. Found `None`.",
    frames=(
        Frame(file="probes/surgeon.py", line=30, function="conv"),
        Frame(file="tensorflow_core/python/keras/layers/core.py", line=1101, function="build"),
    ),
)


def failed(name: str, raised: Raised = LEN, within: str = "surgeon.delete_channels", **fields: object) -> Observation:
    return Observation(probe=name, ended=Ended.RAISED, within=within, exception=raised, **fields)  # type: ignore[arg-type]


def import_failed(name: str, raised: Raised = DESCRIPTORS, module: str = "tensorflow") -> Observation:
    return failed(name, raised, f"import {module}", phase=Phase.IMPORT)


def lock(python: str = "3.7", strategy: str = "released") -> Lock:
    return Lock(
        python=python,
        platform="manylinux_2_36_x86_64",
        device="cpu",
        strategy=Strategy(strategy),
        resolver="pip 24.0" if strategy == "pip-today" else "uv 0.9.1",
        cutoff=CUTOFF if strategy == "released" else NOW,
        distributions=(
            Distribution(name="numpy", version="1.19.5", filename="numpy-1.19.5.whl", sha256="a" * 64),
            Distribution(name="termcolor", version="1.1.0", filename="termcolor-1.1.0.tar.gz", sha256="b" * 64),
        ),
    )


def base(python: str = "3.7", lacks: tuple[str, ...] = ("_bz2",)) -> Base:
    return Base(
        name=f"cpython-{python}",
        python=python,
        full_version=f"{python}.9",
        glibc="2.36",
        image="compat-base",
        identity="i" * 64,
        interpreter="/usr/bin/python",
        lacks=lacks,
    )


def ran(of: Cell, *changed: Observation, engine: EngineId = DOCKER, run: str = "run-1") -> CellRecord:
    """A record in which every probe of the cell's groups passed but for `changed`."""
    groups = {"control", "environment", "surgeon" if of.get("kerassurgeon") != "none" else "tensorflow"}
    seen = {p.id: passed(p.id) for p in PROBES.values() if p.group in groups} | {o.probe: o for o in changed}
    return CellRecord(
        cell=of,
        status=CellStatus.RAN,
        dated=NOW,
        run=run,
        engine=engine,
        lock=lock(of.python, of.strategy),
        image_key="k" * 64,
        base=base(of.python),
        observations=tuple(seen.values()),
    )


def stopped(of: Cell, status: CellStatus, reason: str = "", detail: str = "") -> CellRecord:
    return CellRecord(cell=of, status=status, reason=reason, detail=detail, dated=NOW, run="run-1", engine=DOCKER)


def evidence(
    records: Sequence[CellRecord], cells: Sequence[Cell] = (), matrix: Matrix = MATRIX, **fields: object
) -> Evidence:
    values: dict[str, object] = {
        "proven": frozenset(PROBES),
        "probes": PROBES,
        "expects": {"control.passes": {"ended": "returned", "value": None}},
    }
    return Evidence(
        matrix=matrix,
        cells=tuple(cells) or tuple(r.cell for r in records),
        records={r.cell.id: r for r in records},
        **(values | fields),  # type: ignore[arg-type]
    )


def judged(records: Sequence[CellRecord], cells: Sequence[Cell] = (), **fields: object) -> tuple[CellResult, ...]:
    return judge(evidence(records, cells, **fields))  # type: ignore[arg-type]


RUN = RunInfo(
    id="run-1",
    as_of=NOW,
    started=NOW,
    finished=NOW,
    engine=DOCKER,
    matrix_digest="m",
    suite_digest="s",
    versions=(("uv", "0.9.1"),),
)


def seed_plan() -> tuple[list[CellRecord], list[Cell]]:
    """The first seed's corner: TF 2.3.4 works, 2.4.1 does not, 3.9 has no wheel; all strategies but `forced`."""
    records: list[CellRecord] = []
    cells: list[Cell] = []
    for tf in ("2.3.4", "2.4.1"):
        for python in ("3.7", "3.9", "3.11"):
            for surgeon in ("none", "0.2.0"):
                for resolve in ("released", "pip-today", "uv-today"):
                    here = cell(tf, surgeon, python, resolve)
                    cells.append(here)
                    records.append(_seed_record(here))
    return records, cells


def _seed_record(here: Cell) -> CellRecord:
    if here.python != "3.7":
        return stopped(here, CellStatus.UNRESOLVABLE, "no-wheel", f"tensorflow has no wheel for {here.python}")
    alone, old = here.get("kerassurgeon") == "none", here.get("tf") == "2.3.4"
    if here.strategy is Strategy.UV_TODAY and not old:
        names = ["environment.tensorflow", *(["tensorflow.fit", "tensorflow.save"] if alone else SURGEON_CHECKS)]
        return ran(here, *(import_failed(n) for n in names))
    if alone or old:
        return ran(here)
    return ran(here, *(failed(n) for n in ("surgeon.dense", "surgeon.conv")))


SURGEON_CHECKS = ["surgeon.import", "surgeon.dense", "surgeon.conv"]
