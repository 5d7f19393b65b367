"""Build and probe six cells, ours against the naive way, and print ratios measured side by side in one run.

Naive: `docker build` of one Dockerfile with `pip install` of the same hash-pinned distributions, then one fresh
Python process per probe. Ours: the orchestrator's recipe and its supervisor. Same base, same distributions, same 25
probes, bytecode compiled on both sides, both package caches warm (filled by an uncounted first build), no layer of
either side reused. Also: what a further subject on a built lock costs in seconds and bytes.

    python bench/cells.py [CELLS]      CELLS: how many of the six, default all
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import paths, workflow
from orchestrator.lock.text import requirements_text
from orchestrator.model import Distribution, Engine, Limits, Lock, Probe, Recipe, RunInfo, StepKind
from orchestrator.run import assemble
from orchestrator.run.assemble import Terms
from orchestrator.run.observe import Sitting, observe
from orchestrator.run.watch import Silent
from orchestrator.run.workshop import Workshop

CELLS = (
    ("2.3.4", "3.7"),
    ("2.4.1", "3.7"),
    ("2.8.4", "3.9"),
    ("2.11.1", "3.9"),
    ("2.15.1", "3.11"),
    ("2.20.0", "3.13"),
)
PROBES = 25
GROUPS = ("environment", "tensorflow", "seeds")

NAIVE = """FROM {base}
RUN --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \\
    --mount=type=bind,from={builder},source=/opt/venv,target=/mnt/venv \\
    --mount=type=cache,id=bench-pip,target=/root/.cache/pip \\
    --mount=type=secret,id=ca \\
    PIP_CERT=/run/secrets/ca PYTHONPATH=$(echo /mnt/venv/lib/python3*/site-packages) \\
    python -m pip install --no-deps --require-hashes -r /tmp/requirements.txt
"""


def main() -> None:
    wanted = CELLS[: int(sys.argv[1])] if len(sys.argv) > 1 else CELLS
    engine = workflow.find_engine("docker", os.environ)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for tf, python in wanted:
            rows.append(measure(tf, python, engine, Path(folder)))
            print(line(rows[-1]), flush=True)
    total = {key: sum(row[key] for row in rows) for key in rows[0] if isinstance(rows[0][key], float)}
    print(line({"cell": "all", **total}))
    print(json.dumps({"rows": rows, "total": total}, indent=1), file=sys.stderr)


def line(row: dict[str, object]) -> str:
    """One row as ratios naive ÷ ours."""

    def ratio(what: str) -> str:
        ours, naive = float(str(row[f"our_{what}"])), float(str(row[f"naive_{what}"]))
        return f"{what} {naive / ours:5.1f}x ({naive:.1f} s / {ours:.1f} s)"

    return f"{row['cell']!s:14} {ratio('build')}  {ratio('probe')}  {ratio('total')}"


def measure(tf: str, python: str, engine: Engine, folder: Path) -> dict[str, object]:
    """Seconds of each side for one cell."""
    words = (f"tensorflow=={tf}", f"python={python}", "resolve=released")
    request = workflow.Request(environment=os.environ, words=words, combination=True, matrix=paths.data("matrix.yaml"))
    os.chdir(folder)
    project = workflow.open_project(request, datetime.now(UTC))
    shop = assemble.workshop(
        project.parts,
        engine,
        RunInfo(
            id=f"bench-{tf}",
            as_of=project.as_of,
            started=project.as_of,
            engine="docker",
            isolated=True,
            matrix_digest="",
            suite_digest="",
        ),
        Terms(watch=Silent(), now=lambda: datetime.now(UTC), environment=os.environ),
    )
    cell = project.cells[0]
    base = shop.base(python)
    lock = shop.resolve(cell, base)
    probes = tuple(p for p in project.parts.suite.probes.values() if p.group in GROUPS)[:PROBES]
    salt = iter(range(100))
    build_ours(engine, shop, lock, next(salt), folder)  # fills the caches
    build_naive(engine, lock, base.image, folder, cold=False)
    our_build, reference, interpreter = build_ours(engine, shop, lock, next(salt), folder)
    naive_build, naive_image = build_naive(engine, lock, base.image, folder, cold=True)
    our_probe = probe_ours(shop, project, lock, reference, interpreter, probes)
    naive_probe = probe_naive(shop, project, lock, naive_image, interpreter, probes)
    subprocess.run(["docker", "rmi", "-f", naive_image], check=True, capture_output=True)
    return {
        "cell": f"{tf} py{python}",
        "probes": len(probes),
        "our_build": our_build,
        "naive_build": naive_build,
        "our_probe": our_probe,
        "naive_probe": naive_probe,
        "our_total": our_build + our_probe,
        "naive_total": naive_build + naive_probe,
    }


def build_ours(engine: Engine, shop: Workshop, lock: Lock, salt: int, folder: Path) -> tuple[float, str, str]:
    """Seconds to build the recipe with no layer reused, the image, and its interpreter."""
    return build_recipe(engine, shop.recipe(lock, shop.base(lock.python), ()), salt, folder)


def build_recipe(engine: Engine, recipe: Recipe, salt: int, folder: Path) -> tuple[float, str, str]:
    """As `build_ours`, for a recipe: each stage starts with a variable of its own, so that nothing is cached."""
    context = dockerfile.render(recipe, dockerfile.read(paths.data("images")))
    stages = re.sub(r"(?m)^(FROM (?!compat-tools).*)$", rf"\1\nENV BENCH={salt}-{os.getpid()}", context.dockerfile)
    reference = f"compat-bench:{recipe.key[:12]}-{salt}"
    began = time.monotonic()
    build_context(engine, replace(context, dockerfile=stages), reference, folder)
    return time.monotonic() - began, reference, recipe.base.interpreter


def build_context(engine: Engine, context: BuildContext, reference: str, folder: Path) -> None:
    assert isinstance(engine, DockerEngine), "the bench builds with docker"
    engine._open().build(context, (reference,), folder / "build.log")  # noqa: SLF001 - the very build the engine does


def build_naive(engine: Engine, lock: Lock, base: str, folder: Path, *, salt: int) -> tuple[float, str]:
    """Seconds of the one-step build with pip, and the image."""
    assert isinstance(engine, DockerEngine), "the bench builds with docker"
    builder = engine._builder(base, folder / "builder.log")  # noqa: SLF001 - its pip, mounted for the build alone
    text = NAIVE.format(base=base, builder=builder, salt=f"{salt}-{os.getpid()}")
    context = BuildContext(
        dockerfile=text, files=(("requirements.txt", requirements_text(lock.distributions).encode()),)
    )
    reference = f"compat-bench-naive:{lock.digest[:12]}-{salt}"
    began = time.monotonic()
    build_context(engine, context, reference, folder)
    return time.monotonic() - began, reference


def probe_ours(shop: Workshop, project: workflow.Project, lock: Lock, image: Prepared) -> tuple[float, int]:
    """Seconds for all probes under the supervisor, and how many returned."""
    probes = chosen_probes(project)
    began = time.monotonic()
    seen = observe(Sitting(cell=project.cells[0], lock=lock, prepared=image, probes=probes), shop, lambda o: o)
    return time.monotonic() - began, sum(o.ended == "returned" for o in seen.observations)


def probe_naive(shop: Workshop, project: workflow.Project, lock: Lock, image: Prepared) -> tuple[float, int]:
    """Seconds for the same probes in one container, each in a fresh process, one after the other."""
    plan = json.dumps({"expected": {d.name: d.version for d in lock.distributions}, "probes": []}).encode()
    names = [p.id for p in chosen_probes(project)]
    task = Task(
        command=(image.interpreter, "/probes/one_by_one.py", *names),
        files=(*shop.suite.files, ("plan.json", plan), ("one_by_one.py", ONE_BY_ONE)),
        environment=FIXED_VARIABLES,
        limits=shop.limits,
    )
    lines: list[bytes] = []
    began = time.monotonic()
    shop.engine.run(image.reference, task, lines.append)
    return time.monotonic() - began, lines.count(b"returned")


def chosen_probes(project: workflow.Project) -> tuple[Probe, ...]:
    return tuple(p for p in project.parts.suite.probes.values() if p.group in GROUPS)[:PROBES]


def further_subject(engine: Engine, shop: Workshop, lock: Lock, folder: Path) -> tuple[float, float]:
    """Seconds to build KerasSurgeon on a lock that is built, and its share of that image's bytes."""
    files = shop.index.files("kerassurgeon")
    wheel = next(f for f in files if f.version == "0.2.0" and f.filename.endswith(".whl"))
    subject = Distribution(name="kerassurgeon", version="0.2.0", filename=wheel.filename, sha256=wheel.sha256)
    base = shop.base(lock.python)
    plain = engine.prepare(shop.recipe(lock, base, ()), folder / "plain.log")
    more = replace(lock, distributions=(*lock.distributions, subject))
    recipe = shop.recipe(more, base, ("kerassurgeon",))
    engine.remove([f"compat-cell:{recipe.key[:20]}"])
    began = time.monotonic()
    further = engine.prepare(recipe, folder / "further.log")
    seconds = time.monotonic() - began
    assert plain.size and further.size, "the engine says how large its images are"
    return seconds, (further.size - plain.size) / plain.size


if __name__ == "__main__":
    main()
