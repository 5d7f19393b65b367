"""A console that can be given text from anywhere: whatever is printed on it arrives as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from orchestrator.foreign import printable


class PlainConsole(Console):
    """Rich's console without markup, emoji codes and highlighting. Strings are made printable before they are measured,
    and every part of what is rendered once more, so that no other escape than a style of our own gets out.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - rich's own options, passed on
        super().__init__(**{"markup": False, "emoji": False, "highlight": False} | options)

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - as rich has it
        super().print(*(printable(o, lines=True) if isinstance(o, str) else o for o in objects), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        return _plain(super().render(renderable, options))


def _plain(segments: Iterable[Segment]) -> Iterator[Segment]:
    for segment in segments:
        yield segment if segment.control else segment._replace(text=printable(segment.text, lines=True))
