"""A suite of probe files: read into what a run and its verdicts need, without running any of it."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.model import Probe, ProbeKind, digest
from orchestrator.suite import declared, proofs, settings
from orchestrator.suite.declared import HARNESS, MUTATIONS, Declared
from orchestrator.suite.digests import Digests
from orchestrator.suite.gather import CONTROLS, Gathered, gather
from orchestrator.suite.modules import SuiteFolder
from orchestrator.suite.settings import Settings
from orchestrator.suite.stated import ProbeFiles

CONTROL = "control"
"""The group of the controls."""


def load(places: Sequence[SuiteFolder], home: Path) -> ProbeFiles:
    """The suites in these places as one, run by the harness of `home`, where the suite that ships is.

    Raises UserError, with the place, for what can't be read and for names that collide.
    """
    with _uncollected():
        gathered = gather(places, home)
    found = _declared(gathered)
    digests = Digests(gathered.contents, gathered.modules, gathered.reads)
    harness = Digests(gathered.harness, {}, {}).over(frozenset(gathered.harness))
    said, sabotage = settings.load(places), _sabotage(gathered, found, digests)
    probes = {i: _probe(found[i], digests, sabotage, _harness(harness, found[i], said)) for i in sorted(found)}
    known = {i: proof for place in places for i, proof in proofs.load(place).items()}
    return ProbeFiles(
        probes=probes,
        files=tuple(sorted((gathered.contents | dict(gathered.harness)).items())),
        expects={i: dict(d.options.expects) for i, d in sorted(found.items()) if d.options.expects},
        proven=frozenset(p.id for p in probes.values() if proofs.proves(known.get(p.id), p)),
        specs={i: _spec(found[i]) for i in sorted(found)},
        distributions=said.distributions,
        loggers=said.loggers,
        proofs=known,
        homes={i: d.module.place.folder for i, d in sorted(found.items()) if d.module.name != CONTROLS},
    )


def require_groups(suite: ProbeFiles, places: Sequence[SuiteFolder], listed: Collection[str]) -> None:
    """Raises UserError for a suite that a matrix names and none of whose groups it lists: nothing of it would run."""
    for place in places:
        groups = {suite.probes[i].group for i, folder in suite.homes.items() if folder == place.folder}
        if place.at and not groups.intersection(listed):
            hint = f"Under `groups`, such as {min(groups)}: {{}}; groups with probes: {', '.join(sorted(groups))}."
            raise UserError(f"{place.said}: the matrix lists no group from this suite", hint=hint)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Syntax trees are a million small objects, all of them alive: looking for garbage among them doubles the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _declared(gathered: Gathered) -> dict[str, Declared]:
    """Probe id → its declaration. Raises UserError for two of one id or group, and for a suite without probes."""
    found: dict[str, Declared] = {}
    groups: dict[str, Declared] = {}
    for module in gathered.modules.values():
        for probe in declared.probes(module, gathered.constants) if HARNESS in module.imports else ():
            _require_apart(probe, found, groups)
            found[probe.id] = probe
    for place in gathered.places:
        if not any(probe.module.place == place and probe.module.name != CONTROLS for probe in found.values()):
            hint = "A probe file imports `check` or another kind from `harness`; see docs/probes-howto.md."
            raise UserError(f"{place.said}: no probes in it or its subfolders", hint=hint)
    for probe in found.values():
        for need in probe.options.needs:
            hides = gathered.modules.get(need.partition(".")[0])
            if hides is not None:
                raise UserError(f"{hides.path}: hides the package {hides.name} that {probe.id} needs")
    return found


def _require_apart(probe: Declared, found: Mapping[str, Declared], groups: dict[str, Declared]) -> None:
    if probe.id in found:
        raise UserError(f"{probe.at}: duplicate probe {probe.id}, first at {found[probe.id].at}")
    if (probe.group == CONTROL) != (probe.module.name == CONTROLS):
        raise UserError(f"{probe.at}: the group {CONTROL} is reserved for the harness")
    other = groups.setdefault(probe.group, probe)
    if other.module.place != probe.module.place:
        raise UserError(f"{probe.at}: another suite also has a group {probe.group}, at {other.at}")


def _sabotage(gathered: Gathered, found: Mapping[str, Declared], digests: Digests) -> dict[str, frozenset[str]]:
    """Check → the files that say how it is sabotaged. Raises UserError for two ways, and for one of no check."""
    named: dict[str, str] = {}
    files: dict[str, frozenset[str]] = {}
    for name in sorted(name for name in gathered.modules if MUTATIONS.fullmatch(name)):
        for check, at in declared.mutated(gathered.modules[name], gathered.constants):
            if check in named:
                raise UserError(f"{at}: duplicate mutation of {check}, first at {named[check]}")
            if check not in found or found[check].kind is not ProbeKind.CHECK:
                raise UserError(f"{at}: unknown check {check!r}")
            named[check], files[check] = at, digests.behind(name)
    return files


def _harness(own: str, probe: Declared, said: Settings) -> str:
    """Digest over what runs a probe: the harness, what is said to bring the packages it needs, and whom it hears."""
    tops = sorted({need.partition(".")[0] for need in probe.options.needs})
    brought_by = [(top, said.distributions[top]) for top in tops if top in said.distributions]
    return digest([own, brought_by, said.loggers]) if brought_by or said.loggers else own


def _probe(found: Declared, digests: Digests, sabotage: Mapping[str, frozenset[str]], harness: str) -> Probe:
    files = digests.behind(found.module.name)
    return Probe(
        id=found.id,
        question=found.question,
        group=found.group,
        kind=found.kind,
        source=found.options.source,
        needs=found.options.needs,
        seconds=found.options.seconds,
        fresh=found.options.fresh,
        digest=digests.over(files),
        harness=harness,
        proof=digests.over(files | sabotage.get(found.id, frozenset())),
    )


def _spec(found: Declared) -> dict[str, object]:
    """What the supervisor must know of a probe."""
    options = found.options
    return {
        "kind": found.kind.value,
        "needs": list(options.needs),
        "seconds": options.seconds,
        "fresh": options.fresh,
        "light": options.light,
        "repeat": options.repeat,
        "file": found.module.file,
    }
