"""Time every command that only looks, beside `python -c pass` and `nox --version`, from published evidence.

The runs alternate, so that what else the machine does meets all of them. Wall-clock and processor seconds: medians.

    python bench/start_up.py [RUNS]      default: 9
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

COMPAT = (sys.executable, "-c", "from orchestrator.cli.main import main; main()")
LIMITS = {"--version": 0.25, "--help": 0.25}
USUAL = 0.8
COMMANDS = (
    ("--version",),
    ("--help",),
    ("table", "tf=2.3.4,2.4.1", "python=3.7"),
    ("table",),
    ("show", "8f17"),
    ("pins", "8f17"),
    ("why", "TypeError: Keras symbolic inputs/outputs do not implement `__len__`"),
    ("cuda", "tf=2.16.1"),
)


def timed(command: tuple[str, ...], folder: str) -> tuple[float, float]:
    """Wall-clock and processor seconds of one run."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    nox = shutil.which("nox")
    sides = {"python -c pass": (sys.executable, "-c", "pass")}
    sides |= {"nox --version": (nox, "--version")} if nox else {}
    sides |= {f"compat {' '.join(words)[:40]}": (*COMPAT, *words) for words in COMMANDS}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as folder:
        for command in sides.values():  # bytecode and the disk's cache are there from here on
            timed(command, folder)
        for _ in range(runs):
            for name, command in sides.items():
                seconds[name].append(timed(command, folder))
    walls = {name: statistics.median(w for w, _ in found) for name, found in seconds.items()}
    load = os.getloadavg()[0]
    print(f"medians of {runs} runs, load {load:.1f}: wall s, processor s, times `python -c pass`")
    for name, found in seconds.items():
        cpu = statistics.median(c for _, c in found)
        print(f"{name:48} {walls[name]:6.2f} {cpu:6.2f} {walls[name] / walls['python -c pass']:7.1f}x")
    slow = [
        n for n, c in zip(list(sides)[-len(COMMANDS) :], COMMANDS, strict=True) if walls[n] > LIMITS.get(c[0], USUAL)
    ]
    if slow:
        print(f"over their limit: {', '.join(slow)}")


if __name__ == "__main__":
    main()
