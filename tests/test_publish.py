"""Published evidence: what is written, and that every command that reads results answers from it alone."""

from __future__ import annotations

import json
import lzma
import platform
import shutil
import tomllib
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import MATRIX, Engine, compat_fixture, never_asked  # noqa: F401

from orchestrator import paths
from orchestrator.errors import CellError
from orchestrator.matrix import document
from orchestrator.matrix.ranges import source_digest
from orchestrator.store import evidence_codec
from orchestrator.store.publication import BUDGET

FILES = ("table.md", "table.csv", "table.html", evidence_codec.FILE)
ROOT = Path(__file__).parent.parent
WORKS = "tf=2.3.4 kerassurgeon=0.2.0 python=3.7 resolve=pip-today"
BROKEN = "tf=2.4.1 kerassurgeon=0.2.0 python=3.7 resolve=pip-today"
DAYS = (datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.fixture
def published(compat, monkeypatch):
    """A whole run published, and a folder that has nothing but the matrix and that; the index does not answer."""
    compat.today = DAYS[0]
    compat("run --yes")
    assert compat("publish")[0] == 0
    elsewhere = compat.folder / "elsewhere"
    shutil.copytree(compat.folder / "reports" / "published", elsewhere / "reports" / "published")
    shutil.copy(compat.folder / "matrix.yaml", elsewhere)
    monkeypatch.chdir(elsewhere)
    compat.folder = elsewhere
    compat.services["index"] = never_asked
    return compat


def evidence(compat):
    return compat.folder / "reports" / "published" / evidence_codec.FILE


def test_a_plan_that_is_not_run_whole_is_not_published_and_says_what_to_run(compat):
    compat("run tf=2.3.4 python=3.7")
    status, _, err = compat("publish")
    assert status == 4
    assert "8 of 12 planned combinations have no result (8 not run)" in err
    assert "compat run --yes" in err
    assert "--partial" in err
    assert not (compat.folder / "reports" / "published").exists()


def test_with_nothing_run_at_all_there_is_nothing_to_publish_even_in_part(compat):
    status, _, err = compat("publish --partial")
    assert status == 2
    assert "nothing to publish" in err


def test_in_part_says_on_the_page_how_many_were_tried(compat):
    compat("run tf=2.3.4 python=3.7")
    status, out, _ = compat("publish --partial")
    assert status == 0
    folder = compat.folder / "reports" / "published"
    assert out.split() == [str(folder / name) for name in FILES]
    for name in ("table.md", "table.html"):
        assert "4 of 12 combinations tried" in (folder / name).read_text()


def test_publishing_again_writes_the_same_bytes(compat):
    compat("run --yes")
    compat("publish")
    folder = compat.folder / "reports" / "published"
    before = {name: (folder / name).read_bytes() for name in FILES}
    compat("publish")
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)


def test_nothing_of_the_machine_is_published(compat, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://ann:secret@mirror.internal:8443/simple/")
    compat("run --yes")
    compat("publish")
    text = lzma.decompress(evidence(compat).read_bytes()).decode()
    for private in (str(compat.folder), str(Path.home()), "mirror.internal", "secret"):
        assert private not in text
    assert len(platform.node()) < 4 or platform.node() not in text


def test_the_table_answers_from_what_is_published_with_the_day_of_its_results(published):
    status, out, _ = published("table tf=2.4.1")
    assert status == 0
    assert "docker 99, isolated · published 2026-11-20" in out
    assert "Does KerasSurgeon 0.2.0 work on TensorFlow 2.4.1?   NO" in out
    assert "Nearest that works: tensorflow 2.3.4" in out
    assert "= results that came with this installation, tried on" in out
    assert "to 2026-11-20" in " ".join(out.split())
    assert "not run" not in out


def test_evidence_pins_and_json_come_from_what_is_published(published):
    _, out, _ = published(f"show {BROKEN} surgeon.dense")
    assert "TypeError: no `__len__`" in out
    _, out, _ = published(f"show {WORKS}")
    assert "published 2026-11-20: came with this installation, not tried on this machine" in out
    assert "docker run" not in out
    _, out, _ = published(f"pins {WORKS}")
    assert "# published 2026-11-20" in out
    assert "tensorflow==2.3.4" in out
    cells = json.loads(published("export --json")[1])["cells"]
    assert {c["published"] for c in cells} == {"2026-11-20"}
    assert {c["status"] for c in cells} == {"ran", "unresolvable"}


def test_results_of_ones_own_are_told_where_they_are_newer(published, monkeypatch):
    published.today = DAYS[1]
    del published.services["index"]
    published(f"run {BROKEN}")
    cells = {c["id"]: c for c in json.loads(published("export --json tf=2.4.1")[1])["cells"]}
    mine = published.id_of(**dict(word.split("=") for word in BROKEN.split()))
    assert cells[mine]["published"] is None
    assert cells[mine]["dated"].startswith("2026-11-23")
    assert {c["published"] for name, c in cells.items() if name != mine} == {"2026-11-20"}
    assert "5 of 6 results that came with this installation" in published("table tf=2.4.1")[1]


def test_trouble_of_ones_own_never_replaces_what_is_published(published, monkeypatch):
    published.today = DAYS[1]
    del published.services["index"]

    def lost(*_arguments):
        raise CellError("start", "infra", "daemon", "gone")

    monkeypatch.setattr(published.engine, "prepare", lost)
    published(f"run {BROKEN}")
    (cell,) = json.loads(published(f"export --json {BROKEN}")[1])["cells"]
    assert (cell["status"], cell["published"]) == ("ran", "2026-11-20")


def test_a_run_shows_and_keeps_its_own_results_alone(published, monkeypatch):
    del published.services["index"]
    published(f"run {BROKEN}")
    latest = json.loads((published.folder / "reports" / "latest" / "results.json").read_text())
    assert [c["status"] for c in latest["cells"]].count("not-run") == 11


def test_what_is_published_is_never_published_again_as_ones_own(published, monkeypatch):
    del published.services["index"]
    status, _, err = published("publish --partial --matrix matrix.yaml")
    assert status == 2
    assert "nothing to publish" in err


@pytest.mark.parametrize(
    ("changed", "used"),
    [
        (MATRIX.replace("pip is tried on the oldest Python", "too many"), True),
        (MATRIX.replace("core: [surgeon.dense], ", ""), False),
        (MATRIX.replace('"2.4.1"', '"2.4.1", "2.4.3"'), False),
    ],
    ids=["rules", "groups", "choices"],
)
def test_what_is_published_is_used_while_the_matrix_means_the_same_results(published, monkeypatch, changed, used):
    (published.folder / "matrix.yaml").write_text(changed)
    del published.services["index"]
    _, out, _ = published("table tf=2.4.1")
    assert ("published 2026-11-20" in out) is used


def test_evidence_that_cant_be_read_is_an_error_with_its_path(published):
    evidence(published).write_bytes(b"no")
    status, _, err = published("table")
    assert status == 2
    assert evidence_codec.FILE in err


def test_looking_asks_no_index_once_a_run_has_read_it(compat, monkeypatch):
    compat(f"run {WORKS}")
    compat.services["index"] = never_asked
    status, out, _ = compat("table tf=2.3.4")
    assert status == 0
    assert "Does KerasSurgeon 0.2.0 work on TensorFlow 2.3.4?" in out


def test_local_results_are_not_published(compat):
    compat.engine = Engine("local")
    compat("run --yes")
    assert compat("publish --partial")[0] == 2


def test_the_wheel_ships_what_is_published_where_it_is_looked_for():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert str(evidence_codec.PUBLISHED) in wheel["only-include"]
    assert wheel["sources"][str(evidence_codec.PUBLISHED)] == f"orchestrator/_data/{evidence_codec.PUBLISHED}"
    assert wheel["force-include"]["matrix.yaml"] == "orchestrator/_data/matrix.yaml"


def test_what_is_committed_as_published_is_of_this_matrix_and_under_the_budget():
    folder = ROOT / evidence_codec.PUBLISHED
    found = evidence_codec.load(folder)
    size = sum(len(zlib.compress(path.read_bytes())) for path in folder.glob("*"))
    source = source_digest(document.load(paths.data("matrix.yaml")))
    assert size < BUDGET
    assert (found.known.source if found else source) == source
