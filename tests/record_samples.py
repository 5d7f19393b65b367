"""A small store and published evidence in which every field of every record holds something.

`python tests/record_samples.py` writes them into the folder of the number that records have now, beside those of
earlier numbers (docs/records.md). A sample is made once, by the code of its day, and kept as it is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fakes import FakeEngine, altered, cell, run_context

from orchestrator.errors import Attribution, CellStatus, Phase
from orchestrator.gpu.audit import Built, EvidenceSource, Fix, FixKind, GpuAudit, Library, Loading, Registered
from orchestrator.gpu.inspection import kept
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
    Libraries,
    Lock,
    Observation,
    Probe,
    ProbeKind,
    Raised,
    RunInfo,
    SourceKind,
    Sources,
    Strategy,
)
from orchestrator.run.cells import run_cell
from orchestrator.run.notes import Ledger
from orchestrator.store import evidence_codec
from orchestrator.store.files import write_whole
from orchestrator.store.migrations import SCHEMA
from orchestrator.store.publication import Catalogue, PlanSnapshot, Publication
from orchestrator.store.records import LockResult
from orchestrator.store.store import Store

FOLDER = Path(__file__).parent / "records"
THEN = datetime(2026, 11, 20, 12, 30, 15, tzinfo=UTC)
DAY = datetime(2026, 11, 20, tzinfo=UTC)
ENGINE = EngineId(kind="docker", version="20.10.24", isolated=True)

AXES = {
    "tf": Axis(name="tf", kind="package", package="tensorflow"),
    "kerassurgeon": Axis(name="kerassurgeon", kind="package", package="kerassurgeon", subject=True, default="none"),
    "python": Axis(name="python", kind="python"),
    "device": Axis(name="device", kind="device", default="cpu"),
    "env": Axis(name="env", kind="env", default="plain"),
    "resolve": Axis(name="resolve", kind="resolve"),
}
CUDA = Sources(
    image="nvidia/cuda:11.8.0-runtime",
    paths=("/usr/local/cuda/lib64/",),
    wheels=("nvidia-cublas-cu11==11.11.3.6",),
    folder="/usr/local/cuda-11.8",
    sonames=("libcublas.so.11",),
)
CHOICES = (
    Choice(axis=AXES["tf"], name="2.12.1"),
    Choice(axis=AXES["kerassurgeon"], name="0.2.0"),
    Choice(axis=AXES["python"], name="3.9"),
    Choice(
        axis=AXES["device"],
        name="cuda11.8",
        substitutes=(("tensorflow-cpu<2.1", "tensorflow"),),
        on_request=True,
        sources=CUDA,
        follows="tensorflow",
    ),
    Choice(
        axis=AXES["env"],
        name="keras2",
        variables=(("TF_USE_LEGACY_KERAS", "1"),),
        requires=("tf-keras",),
    ),
    Choice(axis=AXES["resolve"], name="forced"),
)
CELL = Cell(choices=CHOICES, constraints=("protobuf<4",), inputs=("9" * 64,))
PLAIN = Cell(
    choices=(
        Choice(axis=AXES["tf"], name="2.4.1"),
        Choice(axis=AXES["kerassurgeon"], name="none"),
        Choice(axis=AXES["python"], name="3.7"),
        Choice(axis=AXES["device"], name="cpu"),
        Choice(axis=AXES["env"], name="plain"),
        Choice(axis=AXES["resolve"], name="pip-today"),
    )
)
LOCK = Lock(
    python="3.9",
    platform="manylinux_2_36_x86_64",
    device="cuda11.8",
    strategy=Strategy.FORCED,
    resolver="uv 0.9.1",
    cutoff=datetime(2023, 7, 5, 23, 0, tzinfo=UTC),
    distributions=(
        Distribution(
            name="tensorflow", version="2.12.1", filename="tensorflow-2.12.1.whl", sha256="a" * 64, size=585_000_000
        ),
        Distribution(name="termcolor", version="1.1.0", filename="termcolor-1.1.0.tar.gz", sha256="b" * 64),
    ),
    notes=("kerassurgeon 0.2.0 without its own requirements",),
    libraries=Libraries(
        source=SourceKind.IMAGE,
        names=("nvidia-cublas-cu11",),
        place="nvidia/cuda:11.8.0-runtime",
        paths=("/usr/local/cuda/lib64/",),
        identity="c" * 64,
    ),
)
BASE = Base(
    name="cpython-3.9",
    python="3.9",
    full_version="3.9.2",
    glibc="2.36",
    image="python:3.9-slim",
    identity="d" * 64,
    interpreter="/opt/venv/bin/python",
    lacks=("_bz2",),
    cpu_flags=("avx", "avx2"),
    trusted="/usr/local/bin/python3.9",
)
LOOK = kept(
    GpuAudit(
        built=Built(
            release="2.12.1",
            cuda="11.8",
            cudnn="8",
            capabilities=("sm_80", "compute_90"),
            cuda_exact="11.8.0",
            cudnn_exact="8.6.0",
            told="11.8",
            sonames=("libcudart.so.11.0",),
            source=EvidenceSource.EXTRA,
        ),
        python="3.9",
        driver="stand-in",
        registered=Registered.NO,
        libraries=(
            Library(
                soname="libcublas.so.11",
                loading=Loading.REFUSED,
                asked_by="_pywrap_tensorflow_internal.so",
                searched=("/usr/lib",),
                path="/usr/lib/libcublas.so.11",
                elsewhere=("/opt/libcublas.so.11",),
                why="file too short",
                version="11.11.3.6",
                package="nvidia-cublas-cu11 11.11.3.6",
                unresolved=("cublasLtCreate",),
                optional=True,
            ),
        ),
        kernels=("sm_80",),
        kernel_sets=((3, ("sm_80", "compute_90")), (1, ("sm_80",))),
        oldest_driver="11.0",
        tools=(("ptxas", "/usr/bin/ptxas"), ("libdevice", "")),
        said=("Cannot dlopen some GPU libraries.",),
        trouble="the loader's trace was cut off",
        fixes=(
            Fix(
                kind=FixKind.LINK,
                folders=("/opt/lib",),
                links=(("libcublas.so.11", "libcublas.so.12"),),
                registered=Registered.YES,
                missing=("libcudnn.so.8",),
                named=12,
                lacking=("cublasXtCreate",),
            ),
        ),
    )
)
RAISED = Raised(
    type="kerassurgeon.utils.NodeError",
    message="no layer “é” in \x1b[1mthis\x1b[0m model",
    frames=(
        Frame(file="probes/surgeon.py", line=30, function="dense"),
        Frame(file="kerassurgeon/operations.py", line=72, function="delete_channels"),
    ),
    text="Traceback (most recent call last):\n  …\nkerassurgeon.utils.NodeError: no layer “é”",
)
SEEN = Observation(
    probe="surgeon.dense",
    ended=Ended.SIGNAL,
    phase=Phase.IMPORT,
    within="surgeon.delete_channels",
    exception=RAISED,
    value={"losses": [0.5, 1e-07, None], "kept": True, "name": "é\\ud800"},
    signal=11,
    exit_code=-11,
    seconds=1.25,
    reason="memory",
    output="loading\n",
    warnings=("DeprecationWarning: np.bool", "UserWarning: no GPU"),
    fresh=True,
    first="signal 6",
    key="e" * 64,
    dated=THEN,
    reused_from="20261119T080000-aaaa",
    confirmed="2 of 2",
)
AS_SEEN = replace(SEEN, value={"losses": [0.5, 1e-07, None], "kept": True, "name": "é\ud800"})
"""As a package said it: half of a surrogate pair, which UTF-8 can't hold and a file therefore spells out."""
PASSED = Observation(probe="control.passes", ended=Ended.RETURNED, key="f" * 64)
RECORD = CellRecord(
    cell=CELL,
    status=CellStatus.RAN,
    reason="forced",
    detail="as far as it went",
    phase=Phase.PROBE,
    attribution=Attribution.SUBJECT,
    dated=THEN,
    run="20261120T123000-beef",
    engine=ENGINE,
    lock=LOCK,
    image_key="1" * 64,
    base=BASE,
    environment_key="2" * 64,
    observations=(PASSED, SEEN),
    facts={"machine": {"python": "3.9.2"}, "parents": [], "seconds": 4.5},
    seconds=12.5,
    audit=LOOK,
)
TROUBLE = CellRecord(
    cell=PLAIN,
    status=CellStatus.INFRA,
    reason="disk-full",
    detail="no space left",
    phase=Phase.BUILD,
    attribution=Attribution.INFRA,
    dated=THEN,
    run=RECORD.run,
    engine=ENGINE,
)
RUN = RunInfo(
    id=RECORD.run,
    as_of=DAY,
    started=THEN,
    engine=ENGINE,
    matrix_digest="3" * 64,
    suite_digest="4" * 64,
    finished=datetime(2026, 11, 20, 13, 0, tzinfo=UTC),
    versions=(("compat-matrix", "0.1"),),
)
KNOWN = PlanSnapshot(source="5" * 64, as_of=DAY, choices=tuple(zip(CHOICES, PLAIN.choices, strict=True)))
NO_LOCK = LockResult(
    status=CellStatus.UNRESOLVABLE, reason="pins-clash", detail="numpy<1.20 and numpy>=1.22", attribution="subject"
)
PROBES = {
    p.id: p
    for p in (
        Probe(id="control.passes", question="Passes?", group="control", kind=ProbeKind.CONTROL, source="ours"),
        Probe(
            id="surgeon.dense",
            question="Can a channel be deleted?",
            group="surgeon",
            kind=ProbeKind.CHECK,
            source="seed 000",
            needs=("tensorflow", "kerassurgeon"),
            seconds=90.0,
            fresh=True,
            digest="6" * 64,
            harness="7" * 64,
            proof="8" * 64,
        ),
    )
}
PUBLISHED = replace(
    RECORD,
    cell=Cell(choices=CHOICES),
    environment_key="",
    facts={},
    observations=(replace(PASSED, key=""), replace(SEEN, key="", dated=None)),
)
"""What publishing keeps of it: no keys, no facts, no combination that the matrix does not list."""
PUBLICATION = Publication(
    known=KNOWN,
    run=RUN,
    catalogue=Catalogue(
        probes=PROBES,
        proven=frozenset({"surgeon.dense"}),
        expects={"control.passes": {"ended": "returned", "value": None}},
        digest="9" * 64,
    ),
    records={r.cell.id: r for r in (PUBLISHED, TROUBLE)},
    planned=3,
    tried=2,
)


def write_store(root: Path) -> None:
    """Every kind of file, first with everything set, then those of a cell that really ran on the fake engine."""
    store = Store(root=root)
    store.begin(RUN)
    store.save_snapshot(KNOWN)
    store.save(RECORD)
    store.save(TROUBLE)
    store.save_lock("found", LockResult(lock=LOCK))
    store.save_lock("none", NO_LOCK)
    store.save_audit("look", LOOK)
    store.observe("environment", AS_SEEN)
    store.observe("environment", PASSED)
    made = run_context(root, FakeEngine(), "tensorflow.fit", "tensorflow.save")
    shop = altered(made, store=store, known=store, tell=Ledger(store=store, watch=made.watch).hear)
    store.begin(shop.run)
    run_cell(cell(), shop)


def says_all_of(now: object, then: object) -> bool:
    """Whether a JSON value holds another; mappings may hold more: fields that were added."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(k in now and says_all_of(now[k], v) for k, v in then.items())
    if isinstance(then, list):
        return isinstance(now, list) and len(now) == len(then) and all(map(says_all_of, now, then))
    return now == then and type(now) is type(then)


def main() -> None:
    """Writes the samples of the number that records have now, but for what is kept of it already."""
    folder = FOLDER / str(SCHEMA)
    if not (folder / "store").exists():
        write_store(folder / "store")
    published = folder / "published" / evidence_codec.FILE
    if not published.exists():
        write_whole(published, evidence_codec.encode(PUBLICATION))


if __name__ == "__main__":
    main()
