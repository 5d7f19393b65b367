"""Suites of a matrix's own, through the command."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from command import MATRIX, Command, Engine, Index
from staged import load, shipped

from orchestrator.app.services import of_host
from orchestrator.matrix.document import parse
from orchestrator.matrix.ranges import resolve, source_digest
from orchestrator.model.suite import Proof

HEAD = MATRIX.partition("groups:")[0]
OWN = HEAD + "suites: [probes]\ngroups:\n  arrays: {core: [arrays.sum]}\n"
PROBE = """
from harness import behaviour, check, subject
open("written by an import", "w").close()

@check("arrays.sum", "Is a sum right?", needs=("numpy",))
def sums():
    with subject("sum"):
        pass

@behaviour("arrays.kind", "Which kind is it?")
def kind():
    return 1
"""
MUTATIONS = "MUTATIONS = {'arrays.sum': ('numpy.sum', lambda original: lambda *a: 0)}\n"


class Right(Engine):
    """Every control comes out as it must, every other probe returns, but for those of `answers`."""

    def __init__(self):
        super().__init__()
        self.answers = {}

    def run(self, reference, task, on_line):
        self.script = lambda probe: self.answers.get(probe) or right(probe)
        return super(Engine, self).run(reference, task, on_line)


def right(probe: str) -> dict[str, object]:
    wanted = dict(shipped().expects.get(probe, {"ended": "returned"}))
    if "exception" in wanted:
        wanted["exception"] = {"type": wanted["exception"], "message": "on purpose"}
    return wanted | {"output": wanted.pop("output_ends", "")}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command over a matrix with a suite beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("CI", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "matrix.yaml").write_text(OWN)
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "arrays.py").write_text(PROBE)
    (tmp_path / "probes" / "mutations_arrays.py").write_text(MUTATIONS)
    return Command(tmp_path, Right(), capsys, services={"suite": of_host({}).suite})


def test_listing_planning_and_reading_write_nothing_and_run_no_probe_file(own: Command) -> None:
    before = sorted(own.folder.rglob("*"))
    for line in ("plan", "table", "export --catalogue", "prove tf=9"):
        own(line)
    left = [path for path in own.folder.rglob("*") if path not in before and ".compat" not in path.parts]
    assert left == []
    assert "arrays.sum" in own("export --catalogue")[1]


def test_the_suite_beside_a_matrix_runs_in_its_cells_with_the_controls(own: Command) -> None:
    status, _, _ = own("run tf=2.3.4 kerassurgeon=none python=3.7 resolve=released --yes")
    assert status == 0
    asked = {probe for started in own.engine.started for probe in started}
    assert asked >= {"arrays.sum", "arrays.kind", "control.passes", "control.exhausts_memory"}
    assert not [probe for probe in asked if probe.startswith(("surgeon.", "tensorflow.", "environment."))]


def test_proofs_of_a_suite_are_written_beside_it_and_said_where(own: Command) -> None:
    status, out, _ = own("prove tf=2.3.4 kerassurgeon=none python=3.7 resolve=released")
    kept = own.folder / "probes" / "proofs.json"
    assert (status, f"proofs are stored in {kept}" in out) == (1, True)
    assert json.loads(kept.read_text()).keys() == {"arrays.sum"}


def test_proofs_that_can_not_be_kept_are_not_sought(own: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "probes")
    status, _, err = own("prove tf=2.3.4 kerassurgeon=none python=3.7 resolve=released")
    assert (status, "proofs.json can't be written" in err) == (2, True)
    assert own.engine.started == []


def test_checks_whose_need_no_cell_has_are_not_run_and_never_pass(own: Command) -> None:
    (own.folder / "probes" / "mutations_arrays.py").unlink()
    found = load(own.folder / "probes")
    proof = Proof(digest=found.probes["arrays.sum"].proof, passed="there", failed="there")
    for path, content in found.proof_files({"arrays.sum": proof}):
        path.write_bytes(content)
    own.engine.answers = {"arrays.sum": {"ended": "not-run", "reason": "needs:numpy"}}
    status, out, _ = own("run tf=2.3.4 kerassurgeon=none python=3.7 resolve=released --yes")
    assert (status, "works" in out, "unknown" in out) == (0, False, True)
    status, out, _ = own("show tf=2.3.4 kerassurgeon=none python=3.7 resolve=released")
    assert "arrays.sum  needs:numpy" in out


@pytest.mark.parametrize("line", ["plan", "table", "run --yes tf=2.3.4", "prove tf=2.3.4", "export --catalogue"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda folder: (folder / "probes" / "arrays.py").write_text("from harness import check\n(\n"),
            "arrays.py:2: is",
        ),
        (lambda folder: (folder / "matrix.yaml").write_text(OWN.replace("[probes]", "[gone]")), "gone: does not exist"),
        (
            lambda folder: (folder / "matrix.yaml").write_text(OWN.replace("[probes]", "[matrix.yaml]")),
            "is not a folder",
        ),
        (lambda folder: (folder / "matrix.yaml").write_text(OWN.replace("arrays", "frames")), "lists no group from"),
        (
            lambda folder: (folder / "matrix.yaml").write_text(HEAD + "suites: [probes]\n"),
            "lists no group from this suite",
        ),
        (
            lambda folder: (folder / "matrix.yaml").write_text(OWN.replace("[probes]", "[{package: not_here_x}]")),
            "the package 'not_here_x' is not installed",
        ),
    ],
)
def test_a_suite_that_can_not_be_had_is_exit_2_with_its_place(own: Command, line, change, said) -> None:
    change(own.folder)
    status, _, err = own(line)
    assert (status, said in err, own.engine.started) == (2, True, []), err


# ---------------------------------------------------------------- in the matrix


@pytest.mark.parametrize(
    ("suites", "said"),
    [
        ("probes", "expected a list"),
        ("[]", "expected a list with at least one element"),
        ("[probes, probes]", "the same suite is listed twice"),
        ("[{package: a}, {package: a}]", "the same suite is listed twice"),
        ("[{package: a/b}]", "expected the import name of a package"),
        ("[{package: 1}]", "expected a string"),
        ("[{packages: a}]", "packages"),
        ("[1]", "expected a string"),
        ("[[a]]", "expected a string"),
    ],
)
def test_what_names_no_suite_is_refused_with_its_place(own: Command, suites: str, said: str) -> None:
    (own.folder / "matrix.yaml").write_text(OWN.replace("[probes]", suites))
    status, _, err = own("plan")
    assert (status, said in err, "matrix.yaml:" in err) == (2, True, True), err


def test_naming_suites_changes_the_digests_of_a_matrix_and_leaving_them_out_changes_none() -> None:
    index = Index({"tensorflow": ("2.3.4", "2.4.1"), "kerassurgeon": ("0.2.0",)})

    def digests(text: str) -> tuple[str, str]:
        source = parse(text, "matrix.yaml")
        return source_digest(source), resolve(source, index).digest

    plain = digests(MATRIX)
    named = [digests(MATRIX + f"suites: [{name}]\n") for name in ("probes", "more", "{package: mine}")]
    assert len({plain[0], *(source for source, _ in named)}) == len({plain[1], *(d for _, d in named)}) == 4
    assert plain == (
        "4fa56435a4d607a410a39e1c879aa4f250c901e672c49427ff337da5030f8c03",
        "f1003dbc0ab60bd495b28d2111a163b98af40acf30928abfc0cce7109e47145c",
    )
