"""Which CUDA for which TensorFlow, as text, Markdown, CSV and JSON; and one environment's look as an answer."""

from __future__ import annotations

import csv as csvlib
import io
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from orchestrator.foreign import in_markdown, json_text, printable, sheet
from orchestrator.gpu.audit import Fix, GpuAudit, Library, Loading
from orchestrator.gpu.facts import Disagreement
from orchestrator.gpu.rows import Looked, ReleaseRow
from orchestrator.gpu.verdict import GENERATIONS, Cover, Load, and_unsound, audited, cover, in_words, mended
from orchestrator.gpu.verdict import coverage as covered
from orchestrator.report.lines import fold
from orchestrator.verdict.words import counted

LEVELS = (
    "read: from the files of the wheel · libraries: TensorFlow's own search for them in an image, with a stand-in for "
    "the driver and without a GPU · nothing here ran on a GPU"
)
"""The legend of every table: what each kind of evidence is."""
_HOW = {
    Cover.KERNELS: "kernels for {}",
    Cover.JIT: "PTX, compiled by the driver, for {}",
    Cover.NOTHING: "nothing for {}",
}
_COLUMNS = ("tensorflow", "Python", "CUDA", "cuDNN", "driver", "GPUs", "libraries")


def text(rows: Sequence[ReleaseRow], width: int) -> str:
    """The table for a terminal: a line per release, and one below it for each look into an image."""
    cells = [_summary(row) for row in rows]
    sizes = [max(len(line[i]) for line in (_COLUMNS[:-1], *cells)) for i in range(len(_COLUMNS) - 1)]
    lines = [_aligned(_COLUMNS[:-1], sizes)]
    for row, cell in zip(rows, cells, strict=True):
        lines.append(_aligned(cell, sizes))
        for look in row.looks:
            lines += fold(f"{look.line}, Python {look.python}: {in_words(look.verdict)}", width, "    ", "      ")
    return "\n".join([*lines, "", *fold(LEVELS, width)]) + "\n"


def details(row: ReleaseRow, width: int) -> str:
    """All that is known of one release."""
    built, release = row.release.built, row.release
    lines = [f"{release.package} {release.version} · Python {_span(release.pythons)} · {release.uploaded or 'undated'}"]

    def say(what: str, told: str) -> None:
        lines.extend(fold(told, width, f"  {what:<10}", " " * 12))

    if not built.cuda:
        say("built", f"without CUDA ({release.wheel})")
        return "\n".join(lines) + "\n"
    told = f"; get_build_info() says {built.told}" if built.told else ""
    say("built for", f"CUDA {built.cuda_exact or built.cuda}, cuDNN {built.cudnn_exact or built.cudnn}{told}")
    if row.driver:
        say(
            "driver",
            f"{row.driver.minimum} or newer; {row.driver.toolkit} for PTX and what CUDA {row.driver.cuda} added",
        )
    say("GPUs", coverage(built.capabilities))
    say("asks for", " ".join(built.sonames))
    say("pip", pip_line(row))
    for look in row.looks:
        day = f"{look.dated:%Y-%m-%d}" if look.dated else "undated"
        say(look.line, f"Python {look.python}, {day}: {in_words(look.verdict)}")
    for one in row.against:
        say("docs say", f"{one.about} {one.official}; the wheel: {one.wheel}")
    return "\n".join(lines) + "\n"


def coverage(capabilities: Iterable[str]) -> str:
    """Such as: Pascal, Volta, Turing, Ampere (kernels) · Hopper (PTX, compiled by the driver) · none for Kepler."""
    kernels = tuple(capabilities)
    if not kernels:
        return "not stated in the wheel"
    if not any(k.startswith(("sm_", "compute_")) for k in kernels):
        return f"compute capabilities {', '.join(kernels)} (the wheel does not say whether as kernels or PTX)"
    found: dict[Cover, list[str]] = {}
    for name, capability in GENERATIONS:
        found.setdefault(cover(kernels, capability), []).append(f"{name} ({capability / 10})")
    return "; ".join(_HOW[how].format(", ".join(found[how])) for how in _HOW if how in found)


def _carried(seen: GpuAudit) -> str:
    """The same of everything that was found in TensorFlow's own files."""
    found: dict[Cover, list[str]] = {}
    for name, how in covered(seen):
        found.setdefault(how, []).append(name)
    return "; ".join(f"{_HOW[how].format(', '.join(found[how]))}" for how in _HOW if how in found) or "not known"


def pip_line(row: ReleaseRow, python: str = "") -> str:
    """What installs the libraries with pip, on this Python ("3.11") or, without one, where it can."""
    return _provides(row, python) or "no known set of wheels provides them all"


def _provides(row: ReleaseRow, python: str) -> str:
    release, barred = row.release, dict(row.release.unmet)
    if release.extra and python not in barred and not barred.keys() >= set(release.pythons):
        line = f'pip install "{release.package}[and-cuda]=={release.version}"'
        own = row.provided if row.provided and row.provided.version == release.version else None
        reasons = [f"and {mended(own.fix)}"] if own and own.fix else []
        if barred and not python:
            reasons.append(f"not on Python {' '.join(barred)}: {_nowhere(barred)}")
    elif row.provided is None:
        return ""
    else:
        line = f"pip install {release.package}=={release.version} {' '.join(row.provided.pins)}"
        reasons = [f"seen with {row.provided.version}"] if row.provided.version != release.version else []
        if row.provided.fix:
            reasons.append(f"and {mended(row.provided.fix)}")
        if release.extra:
            reasons.append(f"[and-cuda] can't be installed: {_nowhere(barred)}")
    return line + (f" ({'; '.join(reasons)})" if reasons else "")


def _nowhere(barred: Mapping[str, str]) -> str:
    return f"the index has no file of {', '.join(dict.fromkeys(barred.values()))}"


def advice(seen: GpuAudit, row: ReleaseRow | None = None) -> tuple[str, ...]:
    """What to do so that TensorFlow finds its libraries, a line each; empty where it does. `row`: its release's."""
    verdict = audited(seen)
    if verdict.load in (Load.LOADS, Load.UNKNOWN, Load.CRASHED):
        return ()
    if verdict.load is Load.NO_CUDA:
        return ("this build has no CUDA: pip install tensorflow (not tensorflow-cpu)",)
    if verdict.fix is not None:
        return tuple(commands(verdict.fix))
    if verdict.load is Load.OLD:
        old = ", ".join(f"{x.soname} is {x.version}" for x in verdict.deciding)
        return (f"{old}, but cuDNN {seen.built.cudnn} or newer is needed: {_source(seen, row)}",)
    refused = tuple(
        f"{x.soname} at {x.path} is refused ({x.why}): reinstall the package it belongs to"
        for x in verdict.deciding
        if x.loading is Loading.REFUSED
    )
    nowhere = [x.soname for x in verdict.deciding if x.loading is not Loading.REFUSED]
    return (*refused, f"{', '.join(nowhere)} not in this environment: {_source(seen, row)}") if nowhere else refused


def _source(seen: GpuAudit, row: ReleaseRow | None) -> str:
    """Where the libraries come from that an environment lacks."""
    line = row and _provides(row, ".".join(seen.python.split(".")[:2]))
    own = f"install CUDA {seen.built.cuda} and cuDNN {seen.built.cudnn}, which it was built for"
    return f"{line}, or {own}" if line else own


def commands(fix: Fix) -> Iterable[str]:
    """The shell lines that do what was tried."""
    for name, target in fix.links:
        yield f"ln -s {target} {target.rpartition('/')[0]}/{name}"
    if fix.folders:
        yield f"export LD_LIBRARY_PATH={':'.join(fix.folders)}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"


def answer(seen: GpuAudit, width: int, row: ReleaseRow | None = None) -> str:
    """Why a TensorFlow does or doesn't see a GPU, for the environment that was looked into. `row`: its release's."""
    verdict, built = audited(seen), seen.built
    name = f"TensorFlow {built.release or '?'} · Python {seen.python}"
    lines = [f"{name} · built for CUDA {built.cuda or '?'}, cuDNN {built.cudnn or '?'}" if built.cuda else name, ""]
    lines += fold(f"libraries: {and_unsound(verdict)}", width)
    asked = [library for library in seen.libraries if not library.optional]
    lines += [line for library in asked for line in _library(library, width)]
    told = advice(seen, row)
    if told:
        tried = "tried here, and it worked:" if verdict.fix else "to do:"
        lines += ["", f"{tried}", *(f"  {line}" for line in told)]
    lines += ["", *fold(f"GPUs (read from the files): {_carried(seen)}", width)]
    if built.cuda:
        lines += fold(_from_the_host(seen, row), width)
    missing = [tool for tool, path in seen.tools if not path]
    if missing:
        lines += fold(f"jit_compile needs but does not find: {', '.join(missing)}", width)
    if seen.driver == "stand-in":
        lines += [
            "",
            *fold(
                "A stand-in answered as the driver: nothing was computed, and no GPU of this machine was asked.", width
            ),
        ]
    return printable("\n".join(lines), lines=True) + "\n"


def _from_the_host(seen: GpuAudit, row: ReleaseRow | None) -> str:
    """The driver that has to be there, by NVIDIA's own table and by what the CUDA runtime that was found accepted."""
    oldest = f", {row.driver.minimum} or newer for CUDA {row.driver.cuda}" if row and row.driver else ""
    accepted = f"; the CUDA runtime found here takes any of CUDA {seen.oldest_driver} on" if seen.oldest_driver else ""
    return f"from the host: libcuda.so.1 of NVIDIA's driver{oldest}{accepted}"


def _library(library: Library, width: int) -> list[str]:
    if library.loading is Loading.LOADED:
        said = ", ".join(part for part in (library.version, library.why) if part)
        doubt = f" ({said})" if said else ""
        return fold(f"{library.soname}: {library.path}{doubt}", width, "  ", "    ")
    said = f"{library.soname}: {library.loading}"
    if library.why:
        said += f", {library.why}"
    if library.elsewhere:
        said += f"; it is in {library.elsewhere[0]}, which the loader does not search"
    elif library.loading is Loading.NOT_FOUND:
        said += f"; searched {counted(len(library.searched), 'place')}"
    return fold(said, width, "  ", "    ")


# ---------------------------------------------------------------- files


def files(rows: Sequence[ReleaseRow], day: str) -> dict[str, bytes]:
    """What is published of the looks into images, name → content; nothing where there was none."""
    if not any(row.looks for row in rows):
        return {}
    return {
        "cuda.md": markdown(rows, day).encode(),
        "cuda.csv": csv(rows).encode(),
        "cuda.json": document(rows).encode(),
    }


def markdown(rows: Sequence[ReleaseRow], day: str) -> str:
    """The page of `reports/published/cuda.md`."""
    lines = ["# Which CUDA for which TensorFlow", "", in_markdown(f"As of {day}. {LEVELS}."), ""]
    lines += ["| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for row in rows:
        said = "; ".join(f"{look.line}: {in_words(look.verdict)}" for look in row.looks) or "not tried"
        lines.append("| " + " | ".join(in_markdown(cell) for cell in (*_summary(row), said)) + " |")
    lines += ["", "## Where the documentation differs", ""]
    lines += [f"{in_markdown(_contradiction(one))}  " for row in rows for one in row.against] or ["Nowhere."]
    return "\n".join(lines) + "\n"


def _contradiction(one: Disagreement) -> str:
    named = f"{one.package} {one.version}: {one.about} {one.official} is documented"
    return f"{named} (row {one.row}); the wheel: {one.wheel}"


def csv(rows: Sequence[ReleaseRow]) -> str:
    """A line per release and look, safe to open as a sheet."""
    stream = io.StringIO()
    writer = csvlib.writer(stream, lineterminator="\n")
    writer.writerow(
        [*_COLUMNS[:-1], "line", "image_python", "verdict", "missing", "mended_by", "oldest_cuda_driver", "kernels"]
    )
    for row in rows:
        for look in row.looks or (None,):
            writer.writerow([sheet(cell) for cell in (*_summary(row), *_look_cells(look))])
    return stream.getvalue()


def document(rows: Sequence[ReleaseRow]) -> str:
    """The same as JSON, with everything each look saw."""
    entries = [
        {
            "package": row.release.package,
            "version": row.release.version,
            "pythons": row.release.pythons,
            "built": msgspec.to_builtins(row.release.built),
            "and_cuda": row.release.extra,
            "driver": msgspec.to_builtins(row.driver),
            "documentation": [msgspec.to_builtins(one) for one in row.against],
            "looks": [
                {
                    "id": look.id,
                    "line": look.line,
                    "python": look.python,
                    "dated": look.dated.isoformat() if look.dated else None,
                    "verdict": look.verdict.load,
                    "words": look.verdict.words,
                    "libraries": look.pins,
                    "seen": msgspec.to_builtins(look.seen),
                }
                for look in row.looks
            ],
        }
        for row in rows
    ]
    return json_text({"schema": 1, "releases": entries}, sort_keys=False)


# ---------------------------------------------------------------- words


def _summary(row: ReleaseRow) -> tuple[str, ...]:
    built, release = row.release.built, row.release
    name = release.version if release.package == "tensorflow" else f"{release.version} ({release.package})"
    driver = f"≥ {row.driver.minimum}" if row.driver else "–"
    return (name, _span(release.pythons), built.cuda or "none", built.cudnn or "–", driver, _gpus(built.capabilities))


def _look_cells(look: Looked | None) -> tuple[str, ...]:
    if look is None:
        return ("", "", "not tried", "", "", "", "")
    fix = look.verdict.fix
    return (
        look.line,
        look.python,
        look.verdict.words,
        " ".join(library.soname for library in look.verdict.deciding),
        " && ".join(commands(fix)) if fix else "",
        look.seen.oldest_driver,
        " ".join(look.seen.kernels),
    )


def _gpus(capabilities: Sequence[str]) -> str:
    """Such as: 3.5–7.5, PTX 8.0."""
    numbers = [c.partition("_")[2] or c.replace(".", "") for c in capabilities]
    kernels = [n for c, n in zip(capabilities, numbers, strict=True) if not c.startswith("compute_")]
    portable = [n for c, n in zip(capabilities, numbers, strict=True) if c.startswith("compute_")]
    ends = f"{_dotted(kernels[0])}–{_dotted(kernels[-1])}" if len(kernels) > 1 else "".join(map(_dotted, kernels))
    return ", ".join([part for part in (ends, *(f"PTX {_dotted(n)}" for n in portable)) if part]) or "–"


def _dotted(number: str) -> str:
    return f"{number[:-1]}.{number[-1]}" if number.isdigit() else number


def _span(pythons: Sequence[str]) -> str:
    """Such as: 3.7–3.10. Minors without a gap in between become a range."""
    minors = sorted(int(p.partition(".")[2]) for p in pythons)
    if not minors:
        return "–"
    whole = minors == list(range(minors[0], minors[-1] + 1))
    if whole and len(minors) > 1:
        return f"3.{minors[0]}–3.{minors[-1]}"
    return " ".join(f"3.{m}" for m in minors)


def _aligned(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return "  ".join(cell.ljust(size) for cell, size in zip(cells, sizes, strict=True)).rstrip()
