"""Run the whole suite of one cell several times over, each in a fresh container, and say what did not come again.

A result is the same when it ended alike, in the same place, with the same exception and the same value. Also: how long
the suite took, and the harness's own share of it: what is left of the lanes' time when every probe and every import of
a warm parent is taken off.

    python bench/repeats.py [TF [PYTHON [TIMES]]]      default: 2.15.1 3.11 10
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from cells import opened

from orchestrator.app.services import of_host
from orchestrator.engine.docker import DockerEngine
from orchestrator.model import Observation
from orchestrator.run.confirm import essence
from orchestrator.run.context import probes_for
from orchestrator.run.observe import ProbeSession, Seen, observe


def main() -> None:
    tf, python, times = (sys.argv[1:] + ["2.15.1", "3.11", "10"][len(sys.argv) - 1 :])[:3]
    engine = of_host(os.environ).engine("docker")
    assert isinstance(engine, DockerEngine), "the bench builds with docker"
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        bench = opened(tf, python, engine, Path(name))
        task = bench.shop.task(bench.project.cells[0])
        recipe = bench.shop.worker.recipe(bench.lock, bench.shop.worker.base(python), ())
        image = engine.prepare(recipe, Path(name) / "build.log")
        session = ProbeSession(
            task=task, lock=bench.lock, prepared=image, probes=probes_for(task, bench.shop.worker.suite)
        )
        runs = []
        for number in range(int(times)):
            runs.append(observe(session, bench.shop.worker, lambda o: o))
            seconds, share = cost(runs[-1])
            print(f"{number + 1}: {len(session.probes)} probes, {seconds:.0f} s, harness {share:.0%}", flush=True)
    differing = different([run.observations for run in runs])
    print(f"{len(differing)} of {len(session.probes)} probes did not come out the same {times} times")
    for probe, results in differing.items():
        print(f"  {probe}: {'; '.join(results)}")
    sys.exit(bool(differing))


def different(runs: list[tuple[Observation, ...]]) -> dict[str, list[str]]:
    """Probe → its different results in words, for those that have more than one."""
    results: dict[str, dict[str, str]] = {}
    for observations in runs:
        for o in observations:
            words = f"{o.ended} {o.exception.type if o.exception else ''} {o.value!r}"
            results.setdefault(o.probe, {}).setdefault(essence(o), words)
    return {probe: list(seen.values()) for probe, seen in sorted(results.items()) if len(seen) > 1}


def cost(seen: Seen) -> tuple[float, float]:
    """Seconds of a run, and the share of the lanes' time in which neither a probe nor an import ran."""
    lanes = min(2, os.cpu_count() or 1)
    imports = sum(float(str(parent["seconds"])) for parent in seen.parents)
    busy = imports + sum(o.seconds for o in seen.observations)
    return seen.seconds, max(0.0, 1 - busy / (lanes * seen.seconds))


if __name__ == "__main__":
    main()
