"""`docs/probes.md`: every probe with the question it answers and where the question comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from orchestrator.foreign import in_prose
from orchestrator.model import Limits, Probe, ProbeKind

_KINDS = {
    ProbeKind.CHECK: "does it work? passes or fails",
    ProbeKind.BEHAVIOUR: "what happens? a value, neither good nor bad",
    ProbeKind.DRIFT: "numbers from fixed weights and data, compared between versions",
    ProbeKind.CONTROL: "of the harness itself: must come out as it says",
}


def catalogue(probes: Iterable[Probe], limits: Limits) -> str:
    """The page, in Markdown: a table per group, probes by id. A probe's limit is the matrix's unless it has its own."""
    known = sorted(probes, key=lambda p: (p.group, p.id))
    kinds = Counter(p.kind for p in known)
    lines = [
        "# Probes",
        "",
        "Written by `compat export --catalogue > docs/probes.md` from what the probes say of themselves.",
        "",
        f"{len(known)} probes in {len({p.group for p in known})} groups:",
        "",
        *(f"- **{kind}** ({kinds[kind]}): {meaning}" for kind, meaning in _KINDS.items() if kinds[kind]),
    ]
    for group in dict.fromkeys(p.group for p in known):
        mine = [p for p in known if p.group == group]
        lines += ["", f"## {group} ({len(mine)})", "", "| probe | question | kind | source | limit |"]
        lines += ["| --- | --- | --- | --- | --- |", *(_row(p, limits) for p in mine)]
    return "\n".join(lines) + "\n"


def _row(probe: Probe, limits: Limits) -> str:
    limit = f"{probe.seconds or limits.probe_seconds:g} s"
    entries = (
        f"`{probe.id}`",
        in_prose(probe.question),
        str(probe.kind),
        in_prose(probe.source, links=True) or "–",
        limit,
    )
    return "| " + " | ".join(entries) + " |"
