"""The shipped suite: it can be listed, it is whole, and every check in it is proven as it stands."""

from __future__ import annotations

import pytest

from orchestrator import paths
from orchestrator.errors import UserError
from orchestrator.model import ProbeKind
from orchestrator.run.suite import load


def test_every_check_was_seen_to_pass_and_to_fail_as_it_stands_now():
    """But for those of the group gpu: they take a GPU to be proven, and count for nothing until then."""
    suite = load(paths.data("probes"))
    checks = {p.id for p in suite.probes.values() if p.kind is ProbeKind.CHECK and p.group != "gpu"}
    assert len(checks) > 60
    assert checks - suite.proven == set(), "run `compat prove`, see CONTRIBUTING.md"


def test_the_groups_are_as_large_as_their_promise():
    suite = load(paths.data("probes"))

    def count(group: str, kind: ProbeKind) -> int:
        return sum(p.group == group and p.kind is kind for p in suite.probes.values())

    assert count("tensorflow", ProbeKind.CHECK) >= 12
    assert count("surgeon", ProbeKind.CHECK) >= 18
    assert count("seeds", ProbeKind.BEHAVIOUR) >= 15
    assert count("control", ProbeKind.CONTROL) == len(suite.expects) == 7


def test_a_probe_file_that_can_not_be_read_is_a_message(tmp_path):
    for path in paths.data("probes").glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tensorflow_broken.py").write_text("from harness import check\nthis is no python\n")
    with pytest.raises(UserError, match="the probe suite can't be listed"):
        load(tmp_path)


def test_the_files_probes_read_are_sent_with_them_and_what_wrote_them_is_not():
    sent = dict(load(paths.data("probes")).files)
    assert sent["written/2.3.4/models.zip"].startswith(b"PK")
    assert {"written/2.3.4/expected.json", "written/2.8.0/models.zip", "supervisor.py"} <= set(sent)
    assert not [name for name in sent if name.endswith("write.py") or "__pycache__" in name]
    assert sum(len(content) for name, content in sent.items() if name.startswith("written/")) < 150_000
