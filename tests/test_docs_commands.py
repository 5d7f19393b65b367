"""Every `compat …` that a page tells a reader to type is a command with those options; every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from orchestrator.cli.main import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MATRICES = (ROOT / "matrix.yaml", ROOT / "examples" / "numpy-pandas" / "matrix.yaml")
AXES = {
    name: axis for path in MATRICES for name, axis in yaml.safe_load(path.read_text(encoding="utf-8"))["axes"].items()
}
NAMES = cli.list_commands(click.Context(cli))
KNOWN_AXES = {*AXES, *(axis["package"] for axis in AXES.values() if "package" in axis)}
ON_A_LINE = re.compile(r"^(?: {4,}|)(?:[^`\n]*\| )?(compat [^`\n]+)$", re.MULTILINE)
IN_A_SENTENCE = re.compile(r"`(compat [^`]+)`")
COMMENT = re.compile(r"\s{2,}.*$|\s# .*$")
END = re.compile(r"\s(?:[|><]|&&|2>)(?:\s|$)")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def typed(page: str) -> list[str]:
    """What a page says to type, without the comment beside it and without what follows in a shell's line."""
    # prose of a paragraph may begin with the word as well; nobody types a sentence
    lines = [COMMENT.sub("", line) for line in ON_A_LINE.findall(page) if not line.endswith((".", ",", ":"))]
    spans = [re.sub(r"\s+", " ", span) for span in IN_A_SENTENCE.findall(page)]
    return [END.split(text)[0] for text in (*lines, *spans)]


def parsed(line: str) -> click.Context:
    """The command and its arguments, read by click's own parser and not run. Raises click.UsageError."""
    name, *arguments = shlex.split(line)[1:]
    command = cli.get_command(click.Context(cli), name)
    if command is None:
        raise click.UsageError(f"no command {name}")
    return command.make_context(name, arguments)


COMMANDS = sorted({(page.relative_to(ROOT).as_posix(), line) for page in PAGES for line in typed(page.read_text())})


def test_pages_name_most_commands():
    named = {line.split()[1] for _, line in COMMANDS}
    assert set(NAMES) - named == set()
    assert len(COMMANDS) > 60


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_what_a_page_says_to_type_is_understood(page: str, line: str):
    _, name, *arguments = line.split()
    if not arguments:  # a sentence that names the command
        assert name in (*NAMES, "--help")
        return
    if name == "COMMAND":
        assert arguments == ["--help"]
        return
    context = parsed(line)
    words = [word for value in context.params.values() if isinstance(value, tuple) for word in value]
    axes = {
        re.split(r"[=!<>~]", part)[0] for word in words for part in str(word).split() if re.match(r"\w+[=!<>~]", part)
    }
    if context.command.name == "try":
        axes = {axis for axis in axes if f"{axis}==" not in line}  # any package may be tried
    assert axes <= KNOWN_AXES


@pytest.mark.parametrize(
    "line", ["compat tabel", "compat table --bye finding", "compat table --by nothing", "compat diff --colour"]
)
def test_what_is_no_command_is_found(line: str):
    with pytest.raises(click.UsageError):
        parsed(line)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md", ROOT / "bench" / "README.md"], ids=lambda p: p.name)
def test_every_link_within_the_repository_leads_to_a_file_and_a_heading(page: Path):
    broken = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them: lower case, without punctuation, blanks as dashes."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_probe_that_findings_name_is_in_the_suite():
    catalogue = (ROOT / "docs" / "probes.md").read_text(encoding="utf-8")
    groups = {name.partition(".")[0] for name in re.findall(r"`([a-z_]+\.[a-z0-9_.]+)`", catalogue)}
    findings = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    named = {n for n in re.findall(r"`([a-z]+(?:\.[a-z0-9_]+)+)`", findings) if n.partition(".")[0] in groups}
    assert len(named) > 20
    assert [name for name in sorted(named) if name not in catalogue] == []
