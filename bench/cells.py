"""Build and probe six cells, ours against the naive way, and print ratios measured side by side in one run.

Naive: `docker build` of one Dockerfile that pip-installs the same hash-pinned distributions, then a fresh Python
process per probe, in one container. Ours: the orchestrator's recipe and its supervisor. Same base with compilers,
same distributions, same 25 probes, bytecode compiled on both sides, all files already in both tools' caches (by an
uncounted first build), no layer of either side reused. Each cell is measured alone, side by side; the last line is
all cells as a matrix: the naive way one after the other, ours three at a time with one build at a time on a base, as
`compat run --workers 3` does. Also: what a further subject on a built lock costs.

    python bench/cells.py [CELLS]      CELLS: how many of the six, default all
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import paths
from orchestrator.app.planning import PlanRequest, Project, open_project
from orchestrator.app.services import of_host
from orchestrator.engine.docker import DockerEngine
from orchestrator.image import dockerfile
from orchestrator.model import (
    FIXED_VARIABLES,
    BuildContext,
    Distribution,
    Lock,
    Prepared,
    Probe,
    RunInfo,
    Task,
)
from orchestrator.run import assemble
from orchestrator.run.assemble import Terms
from orchestrator.run.context import RunContext
from orchestrator.run.observe import ProbeSession, observe
from orchestrator.run.watch import Silent

CELLS = (
    ("2.3.4", "3.7"),
    ("2.4.1", "3.7"),
    ("2.8.4", "3.9"),
    ("2.11.1", "3.9"),
    ("2.15.1", "3.11"),
    ("2.20.0", "3.13"),
)
PROBES = 25
GROUP = "tensorflow"
WORKERS = 3

FILL = """FROM {builder}
ENV BENCH={salt}
RUN --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \\
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \\
    --mount=type=cache,id=bench-wheels,target=/wheels \\
    --mount=type=secret,id=ca --mount=type=secret,id=host \\
    . /tmp/host.sh \\
    && python -m pip download --quiet --no-deps --require-hashes --dest /wheels -r /tmp/requirements.txt \\
    && python -m pip download --quiet --no-deps --dest /wheels setuptools wheel
"""
NAIVE = """FROM {builder}
ENV BENCH={salt}
RUN --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \\
    --mount=type=cache,id=bench-wheels,target=/wheels \\
    python -m pip install --no-deps --require-hashes --no-index --find-links /wheels -r /tmp/requirements.txt
"""
ONE_BY_ONE = b"""
import subprocess, sys
for name in sys.argv[1:]:
    print(subprocess.call([sys.executable, "/probes/one.py", name], stdout=subprocess.DEVNULL), flush=True)
"""
ONE = b"""
import sys
import catalogue, harness
catalogue.load("/probes")
harness.REGISTRY[sys.argv[1]].function()
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One cell's parts: where its builds are kept and what it is made of."""

    engine: DockerEngine
    shop: RunContext
    project: Project
    lock: Lock
    folder: Path

    @property
    def probes(self) -> tuple[Probe, ...]:
        every = self.project.parts.suite.probes.values()
        return tuple(p for p in every if p.group == GROUP and p.kind == "check")[:PROBES]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Seconds of each side."""

    cell: str
    our_build: float
    our_probe: float
    naive_build: float
    naive_probe: float

    def __str__(self) -> str:
        pairs = (
            ("build", self.naive_build, self.our_build),
            ("probe", self.naive_probe, self.our_probe),
            ("total", self.naive_build + self.naive_probe, self.our_build + self.our_probe),
        )
        return f"{self.cell:14} " + "  ".join(f"{what} {n / o:4.1f}x ({n:.1f} s / {o:.1f} s)" for what, n, o in pairs)


def main() -> None:
    wanted = CELLS[: int(sys.argv[1])] if len(sys.argv) > 1 else CELLS
    engine = of_host(os.environ).engine("docker")
    assert isinstance(engine, DockerEngine), "the bench builds with docker"
    rows: list[Row] = []
    benches: list[Bench] = []
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        for tf, python in wanted:
            bench = opened(tf, python, engine, Path(name))
            benches.append(bench)
            rows.append(measured(bench, f"{tf} py{python}"))
            print(rows[-1], flush=True)
            if tf == "2.3.4":
                seconds, share = further_subject(bench)
                print(f"  a further subject on that lock: {seconds:.2f} s to build, {share:.2%} more disk", flush=True)
        sums = {f: sum(getattr(r, f) for r in rows) for f in Row.__dataclass_fields__ if f != "cell"}
        print(Row(cell="all, alone", **sums))
        naive, ours = sums["naive_build"] + sums["naive_probe"], as_a_matrix(benches)
        print(f"all, as a matrix: total {naive / ours:.1f}x ({naive:.1f} s / {ours:.1f} s)")


def opened(tf: str, python: str, engine: DockerEngine, folder: Path) -> Bench:
    """The parts of one cell, its lock resolved."""
    words = (f"tensorflow=={tf}", f"python={python}", "resolve=released")
    flagship = paths.data("matrix.yaml")
    request = PlanRequest(words=words, combination=True, matrix=flagship)
    project = open_project(request, of_host(os.environ))
    run = RunInfo(
        id="bench",
        as_of=project.as_of,
        started=project.as_of,
        engine=engine.check(),
        matrix_digest="",
        suite_digest="",
    )
    terms = Terms(watch=Silent(), now=lambda: datetime.now(UTC), environment=os.environ)
    shop = assemble.run_context(project.parts, engine, run, terms)
    lock = shop.worker.resolve(project.cells[0], shop.worker.base(python))
    return Bench(engine=engine, shop=shop, project=project, lock=lock, folder=folder)


def measured(bench: Bench, title: str) -> Row:
    """One cell on both sides; the images made for it are removed."""
    build_ours(bench, "fill")
    build_naive(bench, FILL, "fill")
    our_build, ours = build_ours(bench, "cold")
    naive_build, naive = build_naive(bench, NAIVE, "cold")
    our_probe, our_passed = probe_ours(bench, ours)
    naive_probe, naive_passed = probe_naive(bench, naive)
    assert our_passed == naive_passed > 0, f"{our_passed} probes passed here, {naive_passed} there"
    remove_images(bench.engine)
    return Row(cell=title, our_build=our_build, our_probe=our_probe, naive_build=naive_build, naive_probe=naive_probe)


def as_a_matrix(benches: list[Bench]) -> float:
    """Seconds for all cells, built with no layer reused and probed, scheduled as a run schedules them."""
    building = {bench.lock.python: threading.Lock() for bench in benches}
    under_way: dict[str, str] = {}

    def one(bench: Bench) -> None:
        cell = bench.project.cells[0].id
        under_way[cell] = ""
        with building[bench.lock.python]:
            _, image = build_ours(bench, f"matrix-{time.time_ns()}")
        probe_ours(replace(bench, shop=replace(bench.shop, in_use=under_way)), image)
        del under_way[cell]

    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        list(pool.map(one, (*benches[::2], *benches[1::2])))  # as a run lets Pythons take turns
    seconds = time.monotonic() - began
    remove_images(benches[0].engine)
    return seconds


def remove_images(engine: DockerEngine) -> None:
    """Removes what was built here, and with it the build cache that nothing else shares."""
    made = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "compat-bench"],
        capture_output=True,
        text=True,
        check=True,
    )
    engine.remove(made.stdout.split())


def build_ours(bench: Bench, salt: str) -> tuple[float, Prepared]:
    """Seconds to compile what has no wheel and to build the recipe; a variable keeps any layer from being reused."""
    base, templates = bench.shop.worker.base(bench.lock.python), dockerfile.read(paths.data("images"))
    recipe = bench.shop.worker.recipe(bench.lock, base, ())
    context = dockerfile.render(recipe, templates)
    text = re.sub(r"(?m)^(FROM .*)$", rf"\1\nENV BENCH={salt}-{os.getpid()}", context.dockerfile)
    sources = [d for d in bench.lock.distributions if not d.wheel]
    bench.engine.remove(dockerfile.built_reference(templates.built(base, source)) for source in sources)
    began = time.monotonic()
    bench.engine._compile(recipe, bench.folder / "compile.log")
    compiled = time.monotonic() - began
    seconds, image = build(bench, replace(context, dockerfile=text), f"compat-bench:ours-{salt}")
    return compiled + seconds, image


def build_naive(bench: Bench, template: str, salt: str) -> tuple[float, Prepared]:
    """Seconds of the one-step build with pip."""
    builder = bench.engine._builder(bench.shop.worker.base(bench.lock.python).image, bench.folder / "builder.log")
    text = template.format(builder=builder, salt=f"{salt}-{os.getpid()}")
    requirements = "".join(f"{d.pin} --hash=sha256:{d.sha256}\n" for d in bench.lock.distributions).encode()
    host = (paths.data("images") / "host.sh").read_bytes()
    context = BuildContext(dockerfile=text, files=(("requirements.txt", requirements), ("host.sh", host)))
    return build(bench, context, f"compat-bench:naive-{salt}", naive=True)


def build(bench: Bench, context: BuildContext, reference: str, *, naive: bool = False) -> tuple[float, Prepared]:
    """Seconds of the very build that the engine does, or of one with the network."""
    daemon = bench.engine._open()
    carry_out = daemon.build_with_network if naive else daemon.build
    began = time.monotonic()
    carry_out(context, (reference,), bench.folder / "build.log")
    seconds = time.monotonic() - began
    base = bench.shop.worker.base(bench.lock.python)
    image = Prepared(key="", reference=reference, interpreter=base.interpreter, trusted=base.trusted, built=True)
    return seconds, image


def probe_ours(bench: Bench, image: Prepared) -> tuple[float, int]:
    """Seconds for all probes under the supervisor, and how many returned."""
    session = ProbeSession(
        task=bench.shop.task(bench.project.cells[0]), lock=bench.lock, prepared=image, probes=bench.probes
    )
    began = time.monotonic()
    seen = observe(session, bench.shop.worker, lambda o: o)
    return time.monotonic() - began, sum(o.ended == "returned" for o in seen.observations)


def probe_naive(bench: Bench, image: Prepared) -> tuple[float, int]:
    """Seconds for the same probes in one container, each in a fresh process, one after the other."""
    task = Task(
        command=(image.interpreter, "/probes/one_by_one.py", *(p.id for p in bench.probes)),
        files=(*bench.shop.worker.suite.files, ("one_by_one.py", ONE_BY_ONE), ("one.py", ONE)),
        environment=FIXED_VARIABLES,
        limits=replace(bench.shop.limits, silence_seconds=600),
    )
    lines: list[bytes] = []
    began = time.monotonic()
    bench.engine.run(image.reference, task, lines.append)
    return time.monotonic() - began, sum(line.strip() == b"0" for line in lines)


def further_subject(bench: Bench) -> tuple[float, float]:
    """Seconds to build KerasSurgeon on a lock that is built, and its share of that image's bytes."""
    files = bench.project.parts.index.files("kerassurgeon")
    wheel = next(f for f in files if f.version == "0.2.0" and f.filename.endswith(".whl"))
    subject = Distribution(name="kerassurgeon", version="0.2.0", filename=wheel.filename, sha256=wheel.sha256)
    base = bench.shop.worker.base(bench.lock.python)
    plain = bench.engine.prepare(bench.shop.worker.recipe(bench.lock, base, ()), bench.folder / "plain.log")
    more = replace(bench.lock, distributions=(*bench.lock.distributions, subject))
    recipe = bench.shop.worker.recipe(more, base, ("kerassurgeon",))
    began = time.monotonic()
    further = bench.engine.prepare(recipe, bench.folder / "further.log")
    seconds = time.monotonic() - began
    assert further.built, "nothing was measured: the image was there already"
    assert plain.size and further.size, "the engine says how large its images are"
    bench.engine.remove([further.reference])
    return seconds, (further.size - plain.size) / plain.size


if __name__ == "__main__":
    main()
