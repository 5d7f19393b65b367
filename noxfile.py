"""The ways in: `nox` lints and tests, `nox -s engine matrix -- tf=2.4.1` answers a question from containers."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv|virtualenv"

PYPROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str) -> None:
    """Installs the project and dependency groups, once until pyproject.toml changes."""
    stamp = Path(session.virtualenv.location) / "installed"
    wanted = Path("pyproject.toml").read_text(encoding="utf-8") + repr(groups)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    requirements = [line for group in groups for line in nox.project.dependency_groups(PYPROJECT, group)]
    session.install("-e", ".", *requirements)
    stamp.write_text(wanted, encoding="utf-8")


@nox.session(venv_backend="none")
def engine(session: nox.Session) -> None:
    """Install and start Docker on a Debian machine; does nothing where a daemon answers."""
    session.run("python3", "-m", "orchestrator.engine.start", external=True)


@nox.session
def matrix(session: nox.Session) -> None:
    """Run the matrix, or a slice of it, and print the answer: nox -s matrix -- tf=2.4.1"""
    install(session)
    session.run("compat", "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests. Without a container engine those that need one are skipped, visibly."""
    install(session, "tests")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, and the layers' one-way imports."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def facts(session: nox.Session) -> None:
    """Read from TensorFlow's wheels in the package index what each was built for, into docs/cuda/releases.csv."""
    install(session)
    session.run("python", "-m", "orchestrator.gpu.table", "docs/cuda")


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and size, as ratios measured side by side in one run."""
    install(session)
    session.run("python", "bench/start_up.py")
    session.run("python", "bench/plan_speed.py", env={"PYTHONPATH": os.fspath(Path.cwd())})
    session.run("python", "bench/cells.py", *session.posargs)
