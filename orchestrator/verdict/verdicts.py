"""Outcomes of a group's checks into one verdict for a cell. No percentages; absence is neither pass nor fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestrator.errors import Attribution, UserError
from orchestrator.model import Group, Outcome, OutcomeKind, Probe, ProbeKind, Verdict, VerdictKind

FAILED = frozenset({OutcomeKind.FAIL, OutcomeKind.CRASH, OutcomeKind.TIMEOUT, OutcomeKind.OOM})
"""The thing itself did not work."""
NOT_PASSED = FAILED | {OutcomeKind.BLOCKED}
GOOD = frozenset({VerdictKind.WORKS, VerdictKind.LIMITED})
"""Verdicts of what can be used: its main operations work."""
UNJUDGED = frozenset({OutcomeKind.MISSING, OutcomeKind.ERROR})

_NAMED = 2
"""Checks without a result that are named; more are counted."""


def verdict(group: Group, outcomes: Mapping[str, Outcome], probes: Mapping[str, Probe]) -> Verdict:
    """The verdict of a group from all outcomes (by probe id) of one container.

    Counts proven checks of the group whose needs the cell meets. In this order: blocked, broken, limited,
    works, unknown. A core check that was itself stopped by what it stands on makes the group blocked, not
    broken; one without a result makes it unknown unless another one failed. Any other check that was stopped so, in a
    group that stands on something, does not count: where the model it needs can't be built at all, whether this
    subject would have pruned it is no question.

    Raises UserError when the group names a probe that is not in the catalogue.
    """
    require_known(group, probes)
    checks = [o for o in outcomes.values() if o.probe.group == group.name and o.probe.kind is ProbeKind.CHECK]
    stopped = [o for o in checks if o.proven and _stopped(o, group)]
    counted = [o for o in checks if o.proven and o.kind is not OutcomeKind.SKIP and o not in stopped]
    plain = Verdict(
        group=group.name,
        kind=VerdictKind.UNKNOWN,
        passed=sum(o.kind is OutcomeKind.PASS for o in counted),
        total=len(counted),
        unproven=sum(not o.proven for o in checks),
        stopped=len(stopped),
    )
    under = [o for name in group.stands_on if (o := outcomes.get(name)) and o.kind in NOT_PASSED]
    core = [o for o in counted if o.probe.id in group.core]
    core_failed = [o for o in core if o.kind in FAILED]
    core_blocked = [o for o in core if o.kind is OutcomeKind.BLOCKED]
    failed = [o for o in counted if o.kind in NOT_PASSED]
    if under:
        return _as(plain, VerdictKind.BLOCKED, under)
    if core_failed:
        return _as(plain, VerdictKind.BROKEN, [*core_failed, *(o for o in failed if o not in core_failed)])
    if core_blocked:
        return _as(plain, VerdictKind.BLOCKED, core_blocked)
    reason = _why_unknown(group, core, counted)
    if failed and not (group.core and _why_unknown(group, core, core)):
        return _as(plain, VerdictKind.LIMITED, failed)
    if reason:
        return replace(plain, failing=tuple(failed), reason=reason)
    return _as(plain, VerdictKind.WORKS, ())


def _stopped(outcome: Outcome, group: Group) -> bool:
    """Whether a check that is no core check failed before its subject had a part in it."""
    aside = bool(group.stands_on) and outcome.probe.id not in group.core
    return aside and outcome.kind is OutcomeKind.BLOCKED and outcome.attribution is not Attribution.SUBJECT


def _as(plain: Verdict, kind: VerdictKind, failing: Iterable[Outcome]) -> Verdict:
    return replace(plain, kind=kind, failing=tuple(failing))


def _why_unknown(group: Group, core: list[Outcome], counted: list[Outcome]) -> str:
    """Why nothing can be said yet; "" where all that must have a result has one."""
    if not counted:
        return "no proven check of this group has a result here"
    absent = [name for name in group.core if name not in {o.probe.id for o in core}]
    if absent:
        return f"core check not proven or not applicable: {', '.join(absent)}"
    unjudged = [o.probe.id for o in counted if o.kind in UNJUDGED]
    more = f" and {len(unjudged) - _NAMED} more" if len(unjudged) > _NAMED else ""
    return f"no result from {', '.join(unjudged[:_NAMED])}{more}" if unjudged else ""


def require_known(group: Group, probes: Mapping[str, Probe]) -> None:
    """Raises UserError where a group names a probe that is not in the catalogue."""
    strange = [name for name in (*group.core, *group.stands_on) if name not in probes]
    if strange:
        raise UserError(
            f"groups.{group.name} names unknown probes: {', '.join(strange)}",
            hint="`compat export --catalogue` lists the probes; core and stands_on take their ids.",
        )
