"""What is printed before a run: how many cells match, why some need no run, what the rest will cost."""

from __future__ import annotations

from orchestrator.app.planning import Project
from orchestrator.axes.registry import kind_of
from orchestrator.errors import CellError
from orchestrator.model import Cell, Engine
from orchestrator.run.disk import gigabytes
from orchestrator.run.forecast import Forecast
from orchestrator.verdict.words import counted

NO_GROUPS = "The matrix lists no `groups` of probes: packages are installed and nothing is checked (docs/matrix.md)."
_SHOWN = 4


def describe_cell(cell: Cell) -> str:
    """A cell in words: "tf 2.4.1, kerassurgeon 0.2.0, python 3.7, released"; what is at its default is left out."""
    parts = [
        kind_of(choice.axis).wording.short(choice) for choice in cell.choices if choice.name != choice.axis.default
    ]
    return ", ".join(parts)


def engine_line(chosen: Project, engine: Engine) -> str:
    """Such as: docker 20.10.24, isolated · linux/amd64, CPU · KerasSurgeon on TensorFlow (matrix.yaml)."""
    identity = engine.check()
    held = "isolated" if identity.isolated else "NOT isolated (plain processes on this machine)"
    devices = ", ".join(sorted({"CPU" if cell.device == "cpu" else cell.device for cell in chosen.cells}))
    matrix = chosen.parts.matrix
    return f"{identity}, {held} · linux/amd64, {devices} · {matrix.title} ({matrix.path})"


def forecast_lines(chosen: Project, engine: Engine, ahead: Forecast) -> tuple[str, ...]:
    """The lines above a run."""
    nothing_asked = () if chosen.parts.matrix.groups else (NO_GROUPS,)
    return (engine_line(chosen, engine), *needless_lines(chosen, ahead), *nothing_asked, effort_line(ahead))


def needless_lines(chosen: Project, ahead: Forecast) -> tuple[str, ...]:
    """How many combinations match, and why some need no run, equal reasons for several Pythons folded."""
    total = f"{counted(len(chosen.cells), 'combination')} {'matches' if len(chosen.cells) == 1 else 'match'}."
    if not ahead.needless:
        return (total,)
    reasons = _folded(ahead.needless)
    rest = f" and {len(reasons) - _SHOWN} more like these" if len(reasons) > _SHOWN else ""
    need = "needs" if len(ahead.needless) == 1 else "need"
    return (f"{total} {len(ahead.needless)} {need} no run: {'; '.join(reasons[:_SHOWN])}{rest}",)


def effort_line(ahead: Forecast) -> str:
    """Such as: 6 to run: about 3 min, 0.4 GB to fetch, 0.9 GB kept. Ctrl-C is safe."""
    known = f"{len(ahead.unchanged)} have results from this day's index already. " if ahead.unchanged else ""
    if not ahead.cells:
        return f"{known}Nothing new to run."
    return (
        f"{known}{len(ahead.cells)} to run: about {minutes(ahead.seconds)}, {gigabytes(ahead.to_fetch)} to fetch, "
        f"{gigabytes(ahead.kept)} kept. Ctrl-C is safe."
    )


def minutes(seconds: float) -> str:
    """Such as: 40 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _folded(needless: tuple[tuple[Cell, CellError], ...]) -> list[str]:
    """Reasons that differ only in the Python named at their end become one, naming all those Pythons."""
    pythons: dict[str, dict[str, None]] = {}
    for cell, error in needless:
        stem = error.detail.removesuffix(cell.python)
        pythons.setdefault(stem if stem != error.detail else error.detail, {})[
            cell.python if stem != error.detail else ""
        ] = None
    return [stem + ", ".join(sorted(found, key=_minor)) for stem, found in pythons.items()]


def _minor(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split(".")) if python else ()
