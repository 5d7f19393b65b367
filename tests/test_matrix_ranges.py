"""Ranges become the versions an index names; exact versions are taken as written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matrix_index import TinyIndex, pure

from orchestrator.errors import UserError
from orchestrator.matrix.document import MatrixSource, parse
from orchestrator.matrix.ranges import resolve, settled, source_digest

TEXT = """\
schema: 1
title: T
axes:
  a: {{package: alpha, choices: {choices}}}
  b: {{package: beta, choices: [none, "9.9"]}}
  python: {{kind: python, choices: ["3.9"]}}
  resolve: {{kind: resolve, choices: [released]}}
"""
RELEASES = ("1.0.0", "1.0.3", "1.2.0", "1.10.1", "2.0.0", "2.0.1", "2.1.0rc1", "2.1.0.dev3", "1.9")


def source(choices: str) -> MatrixSource:
    return parse(TEXT.format(choices=choices), "matrix.yaml")


def names(choices: str, index: TinyIndex | None = None) -> list[str]:
    matrix = resolve(source(choices), index or TinyIndex({"alpha": RELEASES}))
    return [choice.name for choice in matrix.choices[0]]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ('range: ">=1", take: newest-patch', ["1.0.3", "1.2.0", "1.9", "1.10.1", "2.0.1"]),
        ('range: ">=1", take: newest-minor', ["1.10.1", "2.0.1"]),
        ('range: "<2", take: every', ["1.0.0", "1.0.3", "1.2.0", "1.9", "1.10.1"]),
        ('range: ">=1", take: newest', ["2.0.1"]),
        ('range: "~=1.0.0", take: newest-patch', ["1.0.3"]),
    ],
)
def test_a_range_becomes_versions_by_its_policy_in_their_order(span, expected):
    assert names(f"[{{{span}}}]") == expected


def test_what_a_file_can_mean_is_the_same_whatever_its_rules_and_another_with_other_choices_groups_or_limits():
    def of(text: str) -> str:
        return source_digest(parse(text, "matrix.yaml"))

    plain = TEXT.format(choices='[none, {range: ">=1", take: every}]')
    rules = plain + '\nexclude: [{a: none, b: "9.9", reason: r}]'
    assert of(plain) == of("# a comment\n" + plain.replace("title: T", "title: U")) == of(rules)
    assert of(plain) != of(plain.replace("every", "newest"))
    assert of(plain) != of(plain.replace('"9.9"', '"9.8"'))
    assert of(plain) != of(plain + "\nlimits: {probe_seconds: 1}\n")
    assert of(plain) != of(plain + "\ngroups: {g: {core: [g.a]}}\n")


def test_a_matrix_can_be_made_of_choices_that_are_known():
    matrix = resolve(source('[{range: ">=1", take: every}]'), TinyIndex({"alpha": RELEASES}))
    assert settled(source('[{range: ">=1", take: every}]'), matrix.choices) == matrix


def test_names_come_first_and_exact_versions_are_listed_once_among_the_range():
    assert names('["1.0.0", "2.0.1", {range: ">=1.9", take: every}, none]') == [
        "none",
        "1.0.0",
        "1.9",
        "1.10.1",
        "2.0.0",
        "2.0.1",
    ]


def test_exact_versions_keep_their_order_and_are_not_looked_up():
    index = TinyIndex({})
    assert names('["7.0", none, "1.5"]', index) == ["7.0", "none", "1.5"]
    assert index.asked == []


def test_yanked_pre_releases_and_other_platforms_are_passed_over():
    def wheel(version: str, platform: str):
        return replace(pure("alpha", version), filename=f"alpha-{version}-cp39-cp39-{platform}.whl")

    files = (
        replace(pure("alpha", "1.1"), yanked=True),
        wheel("1.2", "win_amd64"),
        wheel("1.3", "manylinux_2_17_aarch64"),
        wheel("1.4", "macosx_10_15_x86_64"),
        wheel("1.5", "musllinux_1_1_x86_64"),
        wheel("1.6", "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        wheel("1.7", "linux_x86_64"),
        replace(pure("alpha", "1.8"), filename="alpha-1.8.tar.gz"),
        replace(pure("alpha", "1.9"), filename="alpha-1.9-py2.7.egg"),
        replace(pure("alpha", "2.0b1"), filename="alpha-2.0b1.tar.gz"),
        replace(pure("alpha", "3"), filename="no wheel.whl"),
    )
    found = names('[{range: ">=1", take: every}]', TinyIndex({}, files))
    assert found == ["1.6", "1.7", "1.8"]


def test_a_range_without_a_release_says_where_and_what_there_is():
    with pytest.raises(
        UserError, match=r"matrix\.yaml:4:33 axes\.a\.choices\[0\]: no release of alpha is in '>=5'.*2\.0\.1"
    ):
        names('[{range: ">=5", take: every}]')
    with pytest.raises(UserError, match="the index has no release of alpha"):
        names('[{range: ">=5", take: every}]', TinyIndex({}))


def test_a_default_among_versions_of_a_range_is_checked():
    text = TEXT.format(choices='[{range: ">=1", take: every}], default: "1.0.3"')
    assert resolve(parse(text, "m"), TinyIndex({"alpha": RELEASES})).axes[0].default == "1.0.3"
    with pytest.raises(UserError, match=r"the default '1\.0\.3' is not one of the choices"):
        resolve(parse(text, "m"), TinyIndex({"alpha": ("2.0",)}))


def test_a_condition_of_a_group_that_means_nothing_is_refused():
    text = TEXT.format(choices='["1.0"]') + "groups: {g: {where: {b: '!nonee'}}}\n"
    with pytest.raises(UserError, match=r"groups\.g\.where\.b: '!nonee' matches no choice") as caught:
        resolve(parse(text, "m"), TinyIndex({}))
    assert caught.value.hint == "did you mean 'none'?"


def test_the_digest_changes_with_what_a_matrix_means_and_not_with_its_layout():
    def digest(text: str, releases: tuple[str, ...] = RELEASES) -> str:
        return resolve(parse(text, "m"), TinyIndex({"alpha": releases})).digest

    text = TEXT.format(choices='[{range: ">=1", take: newest}]')
    assert digest(text) == digest("# a comment\n" + text)
    assert digest(text) != digest(text, (*RELEASES, "3.0"))
    assert digest(text) != digest(text + "limits: {pids: 7}\n")
