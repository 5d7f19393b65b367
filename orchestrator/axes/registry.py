"""The kinds of axes there are. A new one is a file here and its line in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from orchestrator.axes import device, env, package, python, resolve
from orchestrator.axes.kind import Kind
from orchestrator.errors import UserError
from orchestrator.model import Axis, Choice

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        package.KIND,
        python.KIND,
        device.KIND,
        env.KIND,
        resolve.KIND,
    )
}
"""By name, in the order in which messages and the schema list them."""


def kind_of(axis: Axis) -> Kind:
    """The kind of an axis. Raises UserError for one that nobody registered: evidence may be of a newer version."""
    found = KINDS.get(axis.kind)
    if found is None:
        raise UserError(
            f"axis {axis.name}: unknown kind {axis.kind!r}",
            hint=f"this version knows {', '.join(KINDS)}; evidence with others was made by a newer one",
        )
    return found


def of_packages(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """The choices on axes of packages, `none` and `unpinned` included."""
    return tuple(choice for choice in choices if kind_of(choice.axis).of_package)


def beyond_default(choice: Choice) -> bool:
    """Whether a choice is neither its axis's default nor one that asks for nothing."""
    return choice.name != choice.axis.default and choice.name not in kind_of(choice.axis).naming.neutral


def phrase(choice: Choice, month: str = "") -> str:
    """A choice in words: "tensorflow 2.4.1", "Python 3.7"."""
    return kind_of(choice.axis).wording.phrase(choice, month)


def unsaid(choice: Choice) -> bool:
    """Whether a choice goes without saying."""
    return kind_of(choice.axis).wording.unsaid(choice.axis, choice.name)


def phrases(choices: Iterable[Choice], month: str = "", only: Callable[[Kind], bool] = lambda _kind: True) -> list[str]:
    """The choices in words, without what goes without saying; with `only`, those of some kinds."""
    return [phrase(choice, month) for choice in choices if only(kind_of(choice.axis)) and not unsaid(choice)]
