from __future__ import annotations

import json
import subprocess

import pytest

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock import pip
from orchestrator.lock.tools import Result

REPORT = {
    "version": "1",
    "pip_version": "24.0",
    "install": [
        {
            "download_info": {
                "url": "https://x.example/w/wrapt-1.12.1.tar.gz",
                "archive_info": {"hash": "sha256=bb", "hashes": {"sha256": "bb"}},
            },
            "metadata": {"metadata_version": "2.1", "name": "wrapt", "version": "1.12.1"},
        },
        {
            "download_info": {
                "url": "https://x.example/a/absl_py-0.15.0-py3-none-any.whl#sha256=aa",
                "archive_info": {"hash": "sha256=aa"},
            },
            "metadata": {"metadata_version": "2.1", "name": "absl_py", "version": "0.15.0"},
        },
    ],
}


def test_a_report_gives_the_files_pip_would_install_sorted_by_name():
    first, second = pip.parse_report(json.dumps(REPORT))
    assert (first.name, first.version, first.filename, first.sha256) == (
        "absl-py",
        "0.15.0",
        "absl_py-0.15.0-py3-none-any.whl",
        "aa",
    )
    assert (second.pin, second.wheel, second.size) == ("wrapt==1.12.1", False, None)
    assert pip.version_in(json.dumps(REPORT)) == "pip 24.0"


def forged(**changed: object) -> str:
    """A report as package code may write it: one word of it is something else."""
    word = {"url": "https://x.example/six-1.0.tar.gz", "hash": "sha256=aa", "name": "six", "version": "1.0", **changed}
    link = {"url": word["url"], "archive_info": {"hash": word["hash"]}}
    return json.dumps(
        {"install": [{"download_info": link, "metadata": {"name": word["name"], "version": word["version"]}}]}
    )


FORGED = {
    "a line more": forged(version="1.0\nRUN id"),
    "a path": forged(url="https://x.example/..%2f..%2fetc%2fpasswd"),
    "a word of a shell": forged(name="$(id)"),
    "no name": forged(name=""),
    "a number": forged(version=1),
    "no hash": forged(hash="sha256="),
    "a long word": forged(version="1" * 5000),
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_a_report_that_package_code_wrote_is_no_bug_of_ours(text):
    with pytest.raises(CellError) as caught:
        pip.parse_report(text)
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "pip-report")


def test_a_resolver_is_called_what_it_can_be_called():
    assert pip.version_in('{"pip_version": "24.0; rm -rf"}') == "pip"


@pytest.mark.parametrize("text", ["", "Traceback", "[]", "{}", '{"install": [{}]}', '{"install": [1]}'])
def test_what_is_no_report_is_our_trouble(text):
    with pytest.raises(CellError) as caught:
        pip.parse_report(text)
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "pip-report")


@pytest.fixture
def python(tmp_path):
    """A stand-in for the cell's interpreter that is no pip: it runs the given shell lines."""

    def make(lines: str) -> str:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return str(path)

    return make


def run(command: tuple[str, ...]) -> Result:
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
    return Result(code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def test_the_report_comes_alone_on_stdout_and_requirements_reach_pip_unread_by_a_shell(python):
    # The report's path is the argument after `--report`.
    interpreter = python(
        'echo chatter; for a; do echo "<$a>"; [ "$last" = --report ] && echo "{}" > "$a"; last=$a; done; exit 0'
    )
    result = run(pip.command(interpreter, ["a==1; python_version < '4'", "$(b)"], 30))
    assert (result.code, result.stdout) == (0, "{}\n")
    assert "<a==1; python_version < '4'>\n<$(b)>" in result.stderr
    assert "<--dry-run>" in result.stderr


def test_pip_s_exit_code_comes_through_and_a_search_without_end_is_ended(python):
    assert run(pip.command(python("exit 1"), ["a"], 30)).code == pip.FAILED
    assert pip.ran_out(run(pip.command(python("exec sleep 50"), ["a"], 1)))


def test_running_out_is_seen_however_it_shows():
    assert pip.ran_out(Result(code=124))
    assert pip.ran_out(Result(code=137))
    assert pip.ran_out(Result(code=0, timed_out=True))
    assert not pip.ran_out(Result(code=1))


def test_pip_s_reason_is_kept_without_its_advice():
    stderr = """\
Collecting a
  Downloading a-1-py3-none-any.whl (1 kB)
WARNING: something old
ERROR: Cannot install a and b because these package versions have conflicting dependencies.

The conflict is caused by:
    tensorflow 2.16.2 depends on keras>=3.0.0
    kerassurgeon 0.2.0 depends on keras<3.0.0 and >=2.4.3

Additionally, some packages in these conflicts have no matching distributions available for your environment:
    keras

To fix this you could try to:
1. loosen the range of package versions you've specified
2. remove package versions to allow pip to attempt to solve the dependency conflict

ERROR: ResolutionImpossible: for help visit a page
"""
    assert pip.explanation(stderr).splitlines() == [
        "Cannot install a and b because these package versions have conflicting dependencies.",
        "The conflict is caused by:",
        "tensorflow 2.16.2 depends on keras>=3.0.0",
        "kerassurgeon 0.2.0 depends on keras<3.0.0 and >=2.4.3",
    ]
