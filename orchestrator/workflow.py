"""The line: matrix → cells → locks → images → observations → verdicts → tables. It only passes parts in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from orchestrator import __version__, paths
from orchestrator.engine import here
from orchestrator.errors import CellError, ExitCode, UserError
from orchestrator.image import dockerfile
from orchestrator.insight import claims
from orchestrator.insight import cuda as cuda_insight
from orchestrator.lock import cuda_facts, settings
from orchestrator.lock.built import Wheels
from orchestrator.lock.unread import Unread
from orchestrator.matrix import document, expand, ranges, select, single
from orchestrator.model import Cell, CellRecord, Engine, Limits, Matrix, RunInfo
from orchestrator.model.cuda import Sighting
from orchestrator.report import catalogue as catalogue_page
from orchestrator.report import contexts
from orchestrator.report import statements as statements_page
from orchestrator.report.files import Published, write_latest
from orchestrator.report.page import Page, page
from orchestrator.report.publish import Written, require_whole, tried, whole_run, write_published
from orchestrator.run import assemble, audit, suite
from orchestrator.run import prove as proving
from orchestrator.run import take_over as taking
from orchestrator.run.assemble import Parts, Terms
from orchestrator.run.forecast import Forecast, forecast
from orchestrator.run.scheduler import run_cells
from orchestrator.run.suite import Proof
from orchestrator.run.workshop import Workshop
from orchestrator.store import packed, publication, trim
from orchestrator.store.publication import Catalogue, Known, Publication
from orchestrator.store.store import Store
from orchestrator.verdict.judge import Evidence, Judged, about, beside, filled, judge

STATE = ".compat"
STATEMENTS = Path("docs", "seeds.yaml")
ISOLATED = ("docker",)
"""Engines whose results answer questions; what runs without isolation stands in a table of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a person asked for. `words` are selectors, or with `combination` the combination itself.

    `environment` is the host's: where its package index, proxy and engine are. `known`: ranges may stand for what
    they stood for when they were last read or published, so that nothing is asked; `published`: with the results
    that came with the installation.
    """

    environment: Mapping[str, str]
    words: tuple[str, ...] = ()
    matrix: Path | None = None
    combination: bool = False
    as_of: datetime | None = None
    known: bool = False
    published: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A matrix, read, with its plan, the cells that were selected, and what a run of them works on.

    `path` is the file, `source` the digest of what it says ("" for a combination that no file lists).
    """

    path: Path
    plan: expand.Plan
    cells: tuple[Cell, ...]
    parts: Parts
    as_of: datetime
    source: str
    published: Publication | None = None

    @property
    def folder(self) -> Path:
        """Where its state and reports are."""
        return paths.folder_of(self.path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """The judged plan as containers saw it, whole and the selected part of it; the same of the local engine.

    `local` and `whole_local` hold only cells that the local engine has a result of.
    """

    whole: tuple[Judged, ...]
    selected: tuple[Judged, ...]
    local: tuple[Judged, ...]
    whole_local: tuple[Judged, ...]
    run: RunInfo | None

    @property
    def best(self) -> tuple[Judged, ...]:
        """The selected cells, what no container saw as the local engine saw it."""
        return filled(self.selected, self.local)

    @property
    def everything(self) -> tuple[Judged, ...]:
        """The whole plan, what no container saw as the local engine saw it."""
        return filled(self.whole, self.whole_local)


def open_project(request: Request, now: datetime) -> Project:
    """matrix.yaml → axes → cells → those selected. Raises UserError."""
    path = request.matrix or paths.matrix_here()
    store, source = Store(root=paths.folder_of(path) / STATE), document.load(path)
    origin = ranges.source_digest(source)
    given = packed.beside(path, origin) if request.published else None
    known = (store.known(), given.known if given else None)
    remembered = publication.newest(origin, known) if request.known and request.as_of is None else None
    index: Wheels
    if remembered is not None:
        index, matrix = Unread(as_of=remembered.as_of), ranges.settled(source, remembered.choices)
    else:
        # one reading of the index a day: the same command again means the same plan and the same locks
        as_of = request.as_of or now.replace(hour=0, minute=0, second=0, microsecond=0)
        index = _index(request.environment, as_of, store)
        matrix = _matrix(source, index)
    if request.combination:
        matrix = single.single(request.words, matrix)
        plan = expand.expand(matrix)
        cells = plan.cells
    else:
        plan = expand.expand(matrix)
        outside = (lambda: _recorded(store)) if request.known else tuple
        cells = select.chosen(matrix, plan, request.words, outside)
    # without results of its own there is nothing to read but what is published, by the probes that it was seen with
    alone = given is not None and not store.has_records()
    probes = suite.of(given.catalogue) if given and alone else _suite(source)
    parts = Parts(matrix=matrix, index=index, store=store, suite=probes, images=paths.data("images"))
    return Project(
        path=path,
        plan=plan,
        cells=cells,
        parts=parts,
        as_of=index.as_of,
        source="" if request.combination else origin,
        published=given,
    )


def look_ahead(project: Project, engine: Engine, workers: int) -> Forecast:
    """What running the selected cells would take."""
    store, suite_digest = project.parts.store, project.parts.suite.digest
    known = about(store.newest(engine.name), project.parts.matrix)
    current = frozenset(r.id for r in store.runs() if r.as_of == project.as_of and r.suite_digest == suite_digest)
    ahead = forecast(project.cells, assemble.preflight(project.parts.index), known, current, workers)
    return replace(ahead, kept=min(ahead.kept, assemble.DISK_BUDGET))


def find_engine(name: str | None, environment: Mapping[str, str]) -> Engine:
    """The engine to use, answering. Raises UserError (exit 3) with the ways on."""
    from orchestrator.engine.choose import choose  # the SDK takes long to import, and reading results needs none

    return choose(name, environment, renderer=dockerfile.renderer(dockerfile.read(paths.data("images"))))


def take_over(project: Project, engine: Engine) -> int:
    """Published results that a run here would only repeat, into the store; returns of how many cells. Raises UserError
    where nothing is published of this matrix.
    """
    given = packed.beside(project.path, project.source)
    if given is None:
        hint = "Leave --from-published out: everything is then run here."
        raise UserError("nothing is published of this matrix as it is now", hint=hint)
    store = project.parts.store
    with store.locked():
        return taking.take_over(given, store, engine, project.parts.matrix.limits)


def carry_out(project: Project, engine: Engine, terms: Terms) -> dict[str, CellRecord]:
    """Selected cells → locks → recipes → images → observations, each record safe on disk before it is returned."""
    with _running(project, engine, terms) as workshop:
        return run_cells(project.cells, workshop, terms.workers)


def prove(project: Project, engine: Engine, terms: Terms) -> dict[str, Proof]:
    """Proves the checks of the selected cells, keeps the proofs beside the probes; returns those still lacking."""
    probes = paths.data("probes")
    with _running(project, engine, terms) as workshop:
        proofs = proving.prove(project.cells, workshop, suite.load_proofs(probes))
    suite.save_proofs(probes, proofs)
    return {name: proof for name, proof in proofs.items() if not (proof.passed and proof.failed)}


def results(project: Project) -> Results:
    """Observations → outcomes → verdicts, derived anew over the whole plan, from containers and from local apart."""
    parts, wanted, given = project.parts, {cell.id for cell in project.cells}, project.published
    records = {i: r for e in ISOLATED for i, r in about(parts.store.newest(e), parts.matrix).items()}
    on_local = about(parts.store.newest("local"), parts.matrix)
    recorded = (*records.values(), *on_local.values(), *(given.records.values() if given else ()))
    cells = expand.table(parts.matrix, project.plan, project.cells, (r.cell for r in recorded))
    evidence = _own(parts, cells, records)
    runs = [r for r in parts.store.runs() if r.matrix_digest == parts.matrix.digest]
    whole = judge(evidence) if given is None else beside(evidence, _evidence(parts.matrix, given), given.day)
    if given is not None and any(j.published for j in whole):
        runs = sorted([*runs, given.run], key=lambda run: run.started)
    local = judge(_own(parts, tuple(cell for cell in cells if cell.id in on_local), on_local))
    return Results(
        whole=whole,
        selected=tuple(j for j in whole if j.cell.id in wanted),
        local=tuple(j for j in local if j.cell.id in wanted),
        whole_local=local,
        run=runs[-1] if runs else None,
    )


def judge_one(project: Project, record: CellRecord) -> Judged:
    """What a single record means."""
    return judge(_own(project.parts, (record.cell,), {record.cell.id: record}))[0]


def view(project: Project, found: Results) -> Page:
    """What a person sees of the selected cells: answers first, then the small table."""
    return page(project.parts.matrix, found.selected, found.run, whole=found.everything, local=found.local)


def publish_latest(project: Project, found: Results) -> tuple[Path, ...]:
    """Writes `reports/latest/`: the table of the whole plan, each cell's newest result, dated."""
    published = Published(matrix=project.parts.matrix, cells=found.whole, run=found.run, local=found.whole_local)
    return write_latest(project.folder / "reports" / "latest", published)


def publish(project: Project, found: Results, environment: Mapping[str, str], *, partial: bool) -> Written:
    """Writes `reports/published/` from the store's own results. Raises UserError for a plan that is not run whole."""
    if not partial:
        require_whole(found.whole)
    seen = tried(found.whole)
    if not seen:
        raise UserError("there is nothing to publish: no combination has a result", hint="compat run --yes")
    probes, run = project.parts.suite, whole_run(project.parts.store.runs())
    scrub = trim.scrubber(trim.of_this_machine(project.folder, settings.host_index(environment)))
    evidence = Publication(
        known=Known(source=project.source, as_of=project.as_of, choices=project.parts.matrix.choices),
        run=run,
        catalogue=Catalogue(probes=probes.probes, proven=probes.proven, expects=probes.expects, digest=probes.digest),
        records={j.cell.id: trim.trimmed(j.record, scrub) for j in seen if j.record},
        planned=len(found.whole),
        tried=len(seen),
    )
    # what is shown is what anybody derives from the evidence, not what this store would say
    shown = judge(replace(_evidence(project.parts.matrix, evidence), cells=tuple(j.cell for j in found.whole)))
    made = Published(matrix=project.parts.matrix, cells=shown, run=run)
    rows = cuda_insight.selected(_cuda(shown), cuda_insight.listed(project.parts.matrix), ())
    return write_published(project.folder / packed.PUBLISHED, made, evidence, rows)


def cuda(project: Project, words: tuple[str, ...]) -> tuple[cuda_insight.Row, ...]:
    """What is known of the GPU side of the releases that words name; without words, of those that the matrix lists."""
    return cuda_insight.selected(_looks(project), cuda_insight.listed(project.parts.matrix), words)


def cuda_release(project: Project, version: str) -> cuda_insight.Row | None:
    """What is known of the GPU side of one release of TensorFlow; None for one that the facts don't have."""
    return next((row for row in _looks(project) if row.release.version == version), None)


def look_here(python: str | None, folders: tuple[Path, ...], environment: Mapping[str, str]) -> Sighting:
    """What a look into an environment of this machine saw. Raises UserError."""
    looking = here.Here(
        files=audit.read(paths.data("images") / "gpu").files,
        python=here.interpreter(python, environment),
        folders=tuple(str(folder) for folder in folders),
    )
    return audit.sighting(here.look(looking, environment))


def look_into_image(name: str, engine: Engine) -> Sighting:
    """What a look into a local image saw. Raises UserError or CellError."""
    images, log = paths.data("images"), Store(root=Path.cwd() / STATE).root / "logs" / "base.log"
    base = assemble.any_base(engine, images, log)
    return audit.of_image(name, audit.read(images / "gpu"), engine, base, Limits())


def catalogue(matrix: Path | None) -> str:
    """Every probe with its question, as Markdown."""
    limits = document.load(matrix or paths.matrix_here()).limits
    return catalogue_page.catalogue(suite.load(paths.data("probes")).probes.values(), limits)


def statements(project: Project) -> str:
    """What `docs/seeds.yaml` beside the matrix says and what came out of it by published evidence, as Markdown."""
    seeds, matrix, given = claims.read(project.folder / STATEMENTS), project.parts.matrix, project.published
    cells = () if given is None else judge(replace(_evidence(matrix, given), cells=project.plan.cells))
    return statements_page.statements(seeds, cells, matrix, "" if given is None else given.day)


def write_dockerfiles(project: Project, folder: Path) -> tuple[Path, ...]:
    """Writes the build context of each selected cell that was locked into `folder`/CELL; returns the Dockerfiles."""
    return contexts.write(results(project).selected, folder, dockerfile.read(project.parts.images))


@contextmanager
def _running(project: Project, engine: Engine, terms: Terms) -> Iterator[Workshop]:
    """A run on record: nobody else's in this store meanwhile, and what dead runs left is gone."""
    store, started = project.parts.store, terms.now()
    with store.locked():
        engine.reap()
        run = RunInfo(
            id=f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
            as_of=project.as_of,
            started=started,
            engine=engine.check(),
            isolated=engine.isolated,
            matrix_digest=project.parts.matrix.digest,
            suite_digest=project.parts.suite.digest,
            versions=(("compat-matrix", __version__),),
        )
        store.begin(run)
        if project.source:
            store.save_known(Known(source=project.source, as_of=project.as_of, choices=project.parts.matrix.choices))
        try:
            yield assemble.workshop(project.parts, engine, run, terms)
        finally:
            engine.close()
        store.begin(replace(run, finished=terms.now()))


def _recorded(store: Store) -> list[Cell]:
    """Every cell that any engine has a record of."""
    return [record.cell for engine in (*ISOLATED, "local") for record in store.newest(engine).values()]


def _looks(project: Project) -> tuple[cuda_insight.Row, ...]:
    """Every release's row, with the looks of this matrix and of combinations that were tried outside of it."""
    whole = results(project).whole
    planned = {j.cell.id for j in whole}
    newest = (r for engine in ISOLATED for r in project.parts.store.newest(engine).values())
    outside = {r.cell.id: r for r in newest if r.audit and r.cell.id not in planned}
    return _cuda((*whole, *judge(_own(project.parts, tuple(r.cell for r in outside.values()), outside))))


def _cuda(cells: tuple[Judged, ...]) -> tuple[cuda_insight.Row, ...]:
    """Every release's row, with the looks into images among these cells."""
    folder = paths.data("docs/cuda")
    tables = (cuda_facts.releases(folder), cuda_facts.drivers(folder), cuda_facts.officials(folder))
    return cuda_insight.rows(*tables, cuda_insight.on_gpus(cells))


def _own(parts: Parts, cells: tuple[Cell, ...], records: Mapping[str, CellRecord]) -> Evidence:
    """Records of this store over some cells, read by the suite that is installed."""
    return Evidence(
        matrix=parts.matrix,
        cells=cells,
        records=records,
        probes=parts.suite.probes,
        proven=parts.suite.proven,
        expects=parts.suite.expects,
    )


def _evidence(matrix: Matrix, given: Publication) -> Evidence:
    """Published records, read by the suite that they were seen with."""
    catalogue = given.catalogue
    return Evidence(
        matrix=matrix,
        cells=(),
        records=given.records,
        probes=catalogue.probes,
        proven=catalogue.proven,
        expects=catalogue.expects,
    )


def _index(environment: Mapping[str, str], as_of: datetime, store: Store) -> Wheels:
    # the only part of reading results that would need them
    from orchestrator.lock import credentials
    from orchestrator.lock.index import PackageIndex, session_for

    session = session_for(settings.certificates(environment))
    credentials.forget(store.root / "index")
    index = PackageIndex(as_of, settings.host_index(environment), store.root / "index", session)
    return index.beside(settings.other_indexes(environment))


def _suite(source: document.Source) -> suite.Suite:
    """The suite that is installed. Raises UserError where the matrix names probes that it does not have."""
    installed = suite.load(paths.data("probes"))
    document.refuse_strangers(source, installed.probes)
    return installed


def _matrix(source: document.Source, index: Wheels) -> Matrix:
    try:
        return ranges.resolve(source, index)
    except CellError as error:
        hint = "Ranges in the matrix need it. Nothing was run; try again."
        raise UserError(f"the package index does not answer: {error.detail}", hint=hint, code=ExitCode.INFRA) from error
