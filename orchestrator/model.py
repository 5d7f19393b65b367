"""The frozen vocabulary: what a matrix, a cell, a lock, a recipe, an observation and a verdict are.

Nothing here reads a clock, a file, the network or the environment. Raw YAML and JSON become these types at
the border (`matrix.document`, `store.records`) and nothing behind it handles dictionaries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

from orchestrator.errors import Attribution, CellStatus, Phase

ABSENT = "none"
"""Choice of a package axis: the package is not asked for."""
UNPINNED = "unpinned"
"""Choice of a package axis: nothing is asked; whatever the others bring is there."""


def digest(value: object) -> str:
    """sha256 (hex) of a JSON-able value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- the matrix


class AxisKind(StrEnum):
    PACKAGE = "package"
    PYTHON = "python"
    DEVICE = "device"
    ENV = "env"
    RESOLVE = "resolve"


class Strategy(StrEnum):
    """How dependencies are resolved; named by what a person types."""

    RELEASED = "released"
    PIP_TODAY = "pip-today"
    UV_TODAY = "uv-today"
    FORCED = "forced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """A dimension of the matrix. `default` is the choice that stays out of a cell's ID."""

    name: str
    kind: AxisKind
    package: str | None = None
    subject: bool = False
    default: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One value on an axis: a version, `none`, `unpinned`, a Python minor, `cpu`, an env, a strategy.

    `variables` and `requires` belong to env axes (set in the probe process; packages they need);
    `substitutes` to device axes: (original, stand-in) package names such as (tensorflow, tensorflow-cpu).
    """

    axis: Axis
    name: str
    variables: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()
    substitutes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.axis.name}={self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One combination: a choice per axis in the matrix's order, extra pins, digests of artifacts it reads."""

    choices: tuple[Choice, ...]
    constraints: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    id: str = field(init=False, compare=False, default="")

    def __post_init__(self) -> None:
        named = {c.axis.name: c.name for c in self.choices if c.name != c.axis.default}
        extra = {k: sorted(v) for k, v in (("constraints", self.constraints), ("inputs", self.inputs)) if v}
        object.__setattr__(self, "id", digest([named, extra])[:12])

    def __getitem__(self, axis: str) -> Choice:
        for choice in self.choices:
            if choice.axis.name == axis:
                return choice
        raise KeyError(axis)

    def get(self, axis: str) -> str | None:
        """The name of the choice on an axis, or None where the matrix has no such axis."""
        return next((c.name for c in self.choices if c.axis.name == axis), None)

    def of_kind(self, kind: AxisKind) -> tuple[Choice, ...]:
        return tuple(c for c in self.choices if c.axis.kind is kind)

    @property
    def axes(self) -> dict[str, str]:
        """axis name → choice name, in the matrix's order."""
        return {c.axis.name: c.name for c in self.choices}

    @property
    def python(self) -> str:
        """The CPython minor, such as "3.9"."""
        return next(c.name for c in self.choices if c.axis.kind is AxisKind.PYTHON)

    @property
    def strategy(self) -> Strategy:
        return Strategy(next(c.name for c in self.choices if c.axis.kind is AxisKind.RESOLVE))

    @property
    def device(self) -> str:
        return next((c.name for c in self.choices if c.axis.kind is AxisKind.DEVICE), "cpu")

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        return tuple(v for c in self.of_kind(AxisKind.ENV) for v in c.variables)

    @property
    def packages(self) -> tuple[Choice, ...]:
        """Choices that ask for a package at an exact version (neither `none` nor `unpinned`)."""
        return tuple(c for c in self.of_kind(AxisKind.PACKAGE) if c.name not in (ABSENT, UNPINNED))

    @property
    def subjects(self) -> tuple[Choice, ...]:
        """Those of `packages` the matrix is about."""
        return tuple(c for c in self.packages if c.axis.subject)


Condition: TypeAlias = tuple[str, tuple[str, ...]]
"""(axis, patterns): one of the patterns of the selector language matches the axis's choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Takes cells out of (or, as an include, back into) the product. Conditions are and'ed.

    `at` is where the file says so ("matrix.yaml:40:5 exclude[3]").
    """

    where: tuple[Condition, ...]
    reason: str
    at: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Probes that share a verdict: where they run, which checks are core, and which they stand on.

    When a check of `stands_on` fails in the same container the group is *blocked*: not the subject's doing.
    """

    name: str
    where: tuple[Condition, ...] = ()
    core: tuple[str, ...] = ()
    stands_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """`ask` is a format string over axis names: "Does KerasSurgeon {kerassurgeon} work on TensorFlow {tf}?"."""

    ask: str
    group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one cell may use. Times in seconds, memory in bytes."""

    probe_seconds: float = 60.0
    import_seconds: float = 120.0
    cell_seconds: float = 1800.0
    silence_seconds: float = 180.0
    memory: int = 4 * 1024**3
    cpus: float = 2.0
    pids: int = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """A parsed matrix file with its ranges already turned into versions."""

    title: str
    choices: tuple[tuple[Choice, ...], ...]
    exclude: tuple[Rule, ...] = ()
    include: tuple[Rule, ...] = ()
    groups: tuple[Group, ...] = ()
    questions: tuple[Question, ...] = ()
    limits: Limits = Limits()
    digest: str = ""
    path: str = "matrix.yaml"

    @property
    def axes(self) -> tuple[Axis, ...]:
        return tuple(choices[0].axis for choices in self.choices)


# ---------------------------------------------------------------- the index and locks


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFile:
    """One file of a release as the index lists it. `uploaded` is None where the index does not say.

    `url` is where its bytes are, for reading metadata; it never enters a lock.
    """

    filename: str
    version: str
    sha256: str
    size: int | None = None
    uploaded: datetime | None = None
    yanked: bool = False
    requires_python: str | None = None
    url: str = field(default="", compare=False)


class Index(Protocol):
    """What a package index says, as of one moment.

    Raises `CellError(resolve, infra)` when the index does not answer properly: no answer is never "no such
    release".
    """

    as_of: datetime

    def files(self, package: str) -> tuple[IndexFile, ...]:
        """Every file uploaded up to `as_of`; empty when the index says there is no such package."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """The one file of a release that a lock selected."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int | None = None

    @property
    def wheel(self) -> bool:
        return self.filename.endswith(".whl")

    @property
    def pin(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A cell's resolved, hash-pinned requirements; sorted by name.

    `python` is a minor ("3.9"), `platform` a wheel platform ("manylinux_2_36_x86_64"), `resolver` the tool
    and its version ("uv 0.9.1"), `cutoff` the moment dependencies were taken from, `notes` what a reader
    must know (a substitution used or not, names added without bounds).
    """

    python: str
    platform: str
    device: str
    strategy: Strategy
    resolver: str
    cutoff: datetime
    distributions: tuple[Distribution, ...]
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        files = [(d.name, d.version, d.sha256) for d in self.distributions]
        return digest([self.python, self.platform, self.device, files])

    @property
    def pins(self) -> tuple[str, ...]:
        return tuple(d.pin for d in self.distributions)

    @property
    def compiled(self) -> tuple[str, ...]:
        """Names of distributions that only exist as source and had to be built."""
        return tuple(d.name for d in self.distributions if not d.wheel)

    def version(self, package: str) -> str | None:
        return next((d.version for d in self.distributions if d.name == package), None)


# ---------------------------------------------------------------- bases, recipes, images


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseSpec:
    """How one base may be had, from `images/bases.yaml`.

    `reference` is an image to pull (empty: none); `suite`, `packages` and `artifact` say how to bootstrap
    one from a Debian suite and, where that suite has another Python, a relocatable CPython artifact;
    `builder_packages` are added in the builder variant that compiles source distributions.
    """

    name: str
    python: str
    reference: str = ""
    suite: str = ""
    packages: tuple[str, ...] = ()
    builder_packages: tuple[str, ...] = ()
    artifact: str = ""
    artifact_prefix: str = ""
    interpreter: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A verified root filesystem with one CPython.

    `image` is what the engine starts from (an image reference; a directory for local), `builder` the same
    with compilers ("" until built), `identity` the digest of what went in, `interpreter` the absolute path
    of its CPython, `lacks` standard-library modules that can't be imported there, `cpu_flags` those of
    ("avx", "avx2", …) this CPU has.
    """

    name: str
    python: str
    full_version: str
    glibc: str
    image: str
    identity: str
    interpreter: str
    lacks: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()

    @property
    def platform(self) -> str:
        """The newest wheel platform this base can load, such as "manylinux_2_36_x86_64"."""
        return f"manylinux_{self.glibc.replace('.', '_')}_x86_64"


class StepKind(StrEnum):
    WHEELS = "wheels"
    COMPILE = "compile"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One layer: distributions installed together. COMPILE builds them from source in a builder stage first."""

    kind: StepKind
    title: str
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A base and the ordered steps to an image. `template` is the digest of the Dockerfile template."""

    base: Base
    steps: tuple[Step, ...]
    environment: tuple[tuple[str, str], ...] = ()
    template: str = ""

    @property
    def key(self) -> str:
        """What makes two images the same image."""
        steps = [(s.kind, [(d.name, d.version, d.sha256) for d in s.distributions]) for s in self.steps]
        return digest([self.base.identity, steps, self.environment, self.template])


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """What a builder is given: a Dockerfile and the small files beside it (path → content)."""

    dockerfile: str
    files: tuple[tuple[str, bytes], ...] = ()


class Renderer(Protocol):
    """Turns recipes and bases into build contexts, purely; implemented by `image.dockerfile.Templates`."""

    @property
    def verify(self) -> bytes:
        """The script that says, from inside, what a base has."""
        ...

    def cell(self, recipe: Recipe) -> BuildContext: ...

    def base(self, spec: BaseSpec, start: str, *, bootstrapped: bool) -> BuildContext: ...

    def builder(self, base: str, packages: tuple[str, ...]) -> BuildContext: ...

    def tools(self) -> BuildContext: ...


# ---------------------------------------------------------------- engines


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One isolated process tree: what to run, the files it gets (path → content), its environment and limits."""

    command: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    limits: Limits = Limits()
    labels: tuple[tuple[str, str], ...] = ()
    network: bool = False
    builder: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """How a task ended. `code` is None where nothing is known (the daemon died); `seconds` is wall-clock."""

    code: int | None
    seconds: float
    timed_out: bool = False
    silent: bool = False
    oom_killed: bool = False
    lost: str = ""
    stderr: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """An image that is there. `reference` starts it, `built` says whether this call had to build anything."""

    key: str
    reference: str
    interpreter: str
    built: bool
    seconds: float = 0.0
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An image of ours on disk, for eviction: bytes, and when it was last used."""

    reference: str
    key: str
    size: int
    last_used: datetime


class Engine(Protocol):
    """Carries recipes out; starts, limits, watches and destroys isolated process trees. Knows no cells.

    Every method raises `CellError` with status `infra` for trouble of its own, and `UserError` (exit 3) only
    from `check`.
    """

    name: str
    isolated: bool

    @property
    def enforces(self) -> frozenset[str]:
        """Which limits hold here: of "memory", "cpus", "pids", "network", "read-only", "time"."""
        ...

    def check(self) -> str:
        """Answers with name and version ("docker 20.10.24"), or raises UserError(code=NO_ENGINE) with ways on."""
        ...

    def base(self, spec: BaseSpec, log: Path) -> Base:
        """Gets or bootstraps a base and verifies it inside. Raises CellError(start, unavailable) if none can be had."""
        ...

    def prepare(self, recipe: Recipe, log: Path) -> Prepared:
        """Builds what is missing. Raises CellError(build, uninstallable) when an install step itself fails."""
        ...

    def run(self, reference: str, task: Task, on_line: Callable[[bytes], None]) -> Exit:
        """Runs a task in an image, handing every line of its stdout over as it arrives; cleans up on every path."""
        ...

    def halt(self) -> None:
        """Destroys every process tree started here; the `run` calls that wait for them return at once."""
        ...

    def images(self) -> tuple[Stored, ...]: ...

    def remove(self, references: Iterable[str]) -> int:
        """Removes images; returns the bytes freed."""
        ...

    def reap(self) -> int:
        """Destroys what a dead run of this host left behind; returns how many."""
        ...

    def disk_free(self) -> int | None:
        """Bytes free where the engine keeps its images; None where that can't be known."""
        ...


# ---------------------------------------------------------------- probes and what they report


class ProbeKind(StrEnum):
    CHECK = "check"
    BEHAVIOUR = "behaviour"
    DRIFT = "drift"
    CONTROL = "control"


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A probe as its file declares it; `digest` covers its file and the probe modules that imports."""

    id: str
    question: str
    group: str
    kind: ProbeKind
    source: str
    needs: tuple[str, ...] = ()
    seconds: float | None = None
    fresh: bool = False
    digest: str = ""


class Ended(StrEnum):
    """How a probe's process ended, as the supervisor saw it."""

    RETURNED = "returned"
    RAISED = "raised"
    EXITED = "exited"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    OOM = "oom"
    SKIPPED = "skipped"
    NOT_RUN = "not-run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One frame of a traceback; `file` relative to site-packages or the probes."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """An exception as it was: qualified type, message, frames outermost first, the whole traceback as text."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What happened to one probe in one cell, raw; outcomes are derived from it anew each time.

    `within` is the subject block the failure came from ("" : outside any), `phase` where it happened,
    `value` what a behaviour or drift probe returned, `first` how the warm process ended where a fresh one
    repeated it, `output` the captured tail of stdout and stderr, `warnings` what Python warned,
    `key` what makes an equal observation reusable, `dated` when it was made, `reused_from` the run it was made in,
    `confirmed` how often a changed result came again in a fresh container ("2 of 2").
    """

    probe: str
    ended: Ended
    phase: Phase = Phase.PROBE
    within: str = ""
    exception: Raised | None = None
    value: object = None
    signal: int | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = ""
    warnings: tuple[str, ...] = ()
    fresh: bool = False
    first: str = ""
    key: str = ""
    dated: datetime | None = None
    reused_from: str = ""
    confirmed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellRecord:
    """Everything one run learned about one cell."""

    cell: Cell
    status: CellStatus
    reason: str = ""
    detail: str = ""
    phase: Phase | None = None
    attribution: Attribution | None = None
    dated: datetime | None = None
    run: str = ""
    engine: str = ""
    lock: Lock | None = None
    image_key: str = ""
    base: Base | None = None
    environment_key: str = ""
    observations: tuple[Observation, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0


# ---------------------------------------------------------------- outcomes, verdicts, answers


class OutcomeKind(StrEnum):
    PASS = "pass"  # noqa: S105 - a test outcome, no password
    FAIL = "fail"
    BLOCKED = "blocked"
    ERROR = "error"
    CRASH = "crash"
    TIMEOUT = "timeout"
    OOM = "oom"
    SKIP = "skip"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an observation means. `signature` is equal for equal causes across cells ("" for a pass)."""

    probe: Probe
    kind: OutcomeKind
    phase: Phase | None = None
    reason: str = ""
    attribution: Attribution | None = None
    signature: str = ""
    proven: bool = False
    observation: Observation | None = None


class VerdictKind(StrEnum):
    WORKS = "works"
    LIMITED = "limited"
    BROKEN = "broken"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """works, limited, broken, blocked or unknown, for a group in a cell; `failing` are the outcomes that decide.

    `reason` says why a verdict is unknown.
    """

    group: str
    kind: VerdictKind
    passed: int
    total: int
    failing: tuple[Outcome, ...] = ()
    unproven: int = 0
    reason: str = ""


class AnswerKind(StrEnum):
    YES = "yes"
    YES_ON = "yes, on"
    YES_WITH_PINS = "yes, with pins"
    YES_LIMITED = "yes, limited"
    NO = "no"
    CANT_INSTALL = "can't be installed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What all cells of one pair of versions say to a question.

    `text` is the question with its versions filled in; `counts` verdict or status word → number of cells;
    `untried` what was not tried, in words;
    `beside` strategy → what its cells alone say: an `AnswerKind`, or "blocked", "our fault", "not run".
    """

    text: str
    kind: AnswerKind
    detail: str = ""
    counts: tuple[tuple[str, int], ...] = ()
    cells: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    group: str = ""
    beside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """One execution of the matrix. Times are UTC."""

    id: str
    as_of: datetime
    started: datetime
    engine: str
    isolated: bool
    matrix_digest: str
    suite_digest: str
    finished: datetime | None = None
    versions: tuple[tuple[str, str], ...] = ()
