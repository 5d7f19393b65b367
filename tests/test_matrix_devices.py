"""Devices: CUDA lines with the places their libraries come from, planned only where somebody names them."""

from __future__ import annotations

import pytest
from matrix_index import FLAGSHIP, TinyIndex

from orchestrator import paths
from orchestrator.axes.device import RUNTIME_PATHS
from orchestrator.errors import ExitCode, UserError
from orchestrator.matrix import select
from orchestrator.matrix.document import MatrixSource, load, parse
from orchestrator.matrix.expand import Plan, expand, groups_of, requested, table, walk
from orchestrator.matrix.ranges import matrix_digest, resolve, settled, source_digest
from orchestrator.matrix.single import single
from orchestrator.model import Cell, Choice, Matrix, Sources

TEXT = """\
schema: 1
title: T
axes:
  tf: {package: tensorflow, choices: ["2.4.1", "2.10.1", "2.15.1"]}
  python: {kind: python, choices: ["3.7", "3.9"]}
  device:
    kind: device
    choices:
      - {name: cpu, substitutes: {tensorflow: tensorflow-cpu}}
      - {name: cuda11.2, on_request: true, image: "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"}
      - name: cuda11.8
        on_request: true
        libraries: [nvidia-cuda-runtime-cu11==11.8.89, "nvidia-cublas-cu11 == 11.11.3.6"]
      - {name: cuda12.2, on_request: true, libraries: ["tensorflow[and-cuda]"]}
      - {name: auto, on_request: true, follows: TensorFlow, substitutes: {"TensorFlow <2.1": tensorflow_gpu}}
  resolve: {kind: resolve, choices: [released, pip-today]}
"""
RULES = 'exclude:\n  - {device: "!cpu", resolve: pip-today, reason: as released}\n'
LINE = "{name: cuda11.2, on_request: true, image: "
WHOLE = LINE + '"nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"'
CPU_ONLY = """\
schema: 1
title: T
axes:
  tf: {package: tensorflow, choices: ["2.4.1", "2.10.1", "2.15.1"]}
  python: {kind: python, choices: ["3.7", "3.9"]}
  device: {kind: device, choices: [{name: cpu, substitutes: {tensorflow: tensorflow-cpu}}]}
  resolve: {kind: resolve, choices: [released, pip-today]}
"""


def source(text: str) -> MatrixSource:
    return parse(text, "matrix.yaml")


def matrix_of(text: str) -> Matrix:
    return resolve(source(text), TinyIndex({}))


MATRIX = matrix_of(TEXT + RULES)
PLAN = expand(MATRIX)


def device(name: str, matrix: Matrix = MATRIX) -> Choice:
    return next(c for choices in matrix.choices for c in choices if c.axis.name == "device" and c.name == name)


def chosen(*words: str) -> tuple[Cell, ...]:
    return select.chosen(MATRIX, PLAN, words)


def refused(*words: str) -> UserError:
    with pytest.raises(UserError) as caught:
        chosen(*words)
    return caught.value


# ---------------------------------------------------------------- reading


def test_a_line_says_where_its_libraries_come_from():
    image = device("cuda11.2")
    assert image.sources == Sources(image="nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04", paths=RUNTIME_PATHS)
    wheels = device("cuda11.8").sources
    assert wheels is not None
    assert wheels.wheels == ("nvidia-cuda-runtime-cu11==11.8.89", "nvidia-cublas-cu11==11.11.3.6")
    assert [(d.on_request, d.follows) for d in (image, device("auto"))] == [(True, ""), (True, "tensorflow")]
    assert device("auto").substitutes == (("tensorflow<2.1", "tensorflow-gpu"),)


def test_the_cpu_device_is_what_it_was():
    assert device("cpu") == device("cpu", matrix_of(CPU_ONLY))
    assert device("cpu").sources is None


def test_a_line_may_name_an_image_wheels_and_a_folder():
    more = ", paths: [/usr/local/cuda/lib64/], libraries: [a], folder: /opt/cuda, sonames: [libcudart.so.11.0]"
    text = TEXT.replace(WHOLE, WHOLE + more)
    assert device("cuda11.2", matrix_of(text)).sources == Sources(
        image="nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04",
        paths=("/usr/local/cuda/lib64/",),
        wheels=("a",),
        folder="/opt/cuda",
        sonames=("libcudart.so.11.0",),
    )


CASES = {
    "a misspelt key": (LINE, "{name: x, on_reqest: true, image: ", "[1].on_reqest: unknown key 'on_reqest'"),
    "no truth": ("on_request: true, image", 'on_request: "yes", image', "[1].on_request: expected true or false"),
    "no name": (LINE, "{on_request: true, image: ", "[1]: the key 'name' is missing"),
    "an image that is none": ('"nvidia/cuda:11', '"nvidia cuda:11', "[1].image: expected the name of an image"),
    "a list for an image": (WHOLE, "{name: x, image: [a]", "[1].image: expected"),
    "paths without an image": (WHOLE, "{name: x, libraries: [a], paths: [/a]", "[1]: the key 'image' is missing"),
    "a relative path": (LINE, "{name: x, paths: [lib], image: ", "[1].paths[0]: expected an absolute path"),
    "a path with a space": (LINE, '{name: x, paths: ["/a b"], image: ', "expected an absolute path"),
    "a relative folder": (WHOLE, "{name: x, folder: c, sonames: [liba.so]", "[1].folder: expected an absolute path"),
    "a folder alone": (LINE, "{name: x, folder: /cuda, image: ", "[1]: the key 'sonames' is missing"),
    "names without a source": (WHOLE, "{name: x, sonames: [liba.so.1]", "[1].sonames: without a source"),
    "no library": (WHOLE, "{name: x, folder: /c, sonames: [a.dll]", "[1].sonames[0]: expected a name such as"),
    "no libraries": ('["tensorflow[and-cuda]"]', "[]", "[3].libraries: expected a list with at least one"),
    "libraries by a URL": ('"tensorflow[and-cuda]"', '"a @ https://x.invalid/a.whl"', "expected a requirement by name"),
    "no requirement": ('"tensorflow[and-cuda]"', '"a b"', "[3].libraries[0]: expected a requirement"),
    "a follower with libraries": (
        "follows: T",
        "libraries: [a], follows: T",
        "[4].libraries: 'libraries' cannot be combined with 'follows'",
    ),
    "a follower of a stranger": ("follows: TensorFlow", "follows: tensorfow", "[4].follows: no axis for the package"),
    "a bound that is none": ('"TensorFlow <2.1"', '"TensorFlow <two"', "expected a package such as"),
    "a marker": ('"TensorFlow <2.1"', "'TensorFlow; python_version<\"3\"'", "expected a package such as"),
    "the default on request": ("{name: cpu, ", "{name: cpu, on_request: true, ", "'cpu' is the default of device"),
    "a name selectors use": ("name: auto", "name: latest", "'latest' is not a valid choice name"),
}


@pytest.mark.parametrize(("old", "new", "message"), CASES.values(), ids=CASES)
def test_a_malformed_device_gets_one_message_with_its_place(old, new, message):
    assert old in TEXT
    with pytest.raises(UserError) as caught:
        source(TEXT.replace(old, new))
    assert caught.value.code == ExitCode.USAGE
    assert caught.value.message.startswith("matrix.yaml:")
    assert "axes.device.choices" in caught.value.message
    assert message in caught.value.message


def test_an_axis_on_which_nothing_is_planned_is_refused():
    text = CPU_ONLY.replace("[{name: cpu, ", "[{name: x, on_request: true, ")
    with pytest.raises(UserError, match=r"matrix\.yaml:6:.* axes\.device\.choices: every choice is on request"):
        source(text)


# ---------------------------------------------------------------- the plan


def test_choices_on_request_leave_the_plan_as_it_was():
    before = expand(matrix_of(CPU_ONLY))
    assert [c.id for c in PLAN.cells] == [c.id for c in before.cells]
    assert PLAN.combinations == before.combinations


def test_a_rule_about_what_is_only_on_request_is_not_idle_and_one_that_takes_nothing_there_either_is():
    assert [e.count for e in PLAN.excluded] == [0]
    twice = RULES + '  - {device: "!cpu", resolve: pip-today, tf: "2.4", reason: again}\n'
    with pytest.raises(UserError, match=r"exclude\[1\]: removes nothing"):
        expand(matrix_of(TEXT + twice))
    with pytest.raises(UserError, match=r"exclude\[1\]: removes nothing"):
        expand(matrix_of(TEXT + RULES.replace("{device", "{resolve: pip-today, reason: x}\n  - {device")))


def test_naming_a_device_brings_its_cells_and_the_rules_hold_for_them():
    cells = chosen("device=cuda11.8", "tf=2.10")
    assert [(c.device, c.python, c.strategy) for c in cells] == [
        ("cuda11.8", "3.7", "released"),
        ("cuda11.8", "3.9", "released"),
    ]
    assert {c.device for c in chosen("tf=2.10")} == {"cpu"}


@pytest.mark.parametrize(
    ("word", "devices"),
    [
        ("device=auto", ["auto"]),
        ("device=cuda11.2,cuda11.8", ["cuda11.2", "cuda11.8"]),
        ("device=cpu,auto", ["cpu", "auto"]),
        ("device=!=cpu", ["cuda11.2", "cuda11.8", "cuda12.2", "auto"]),
        ("device!=cpu", ["cuda11.2", "cuda11.8", "cuda12.2", "auto"]),
        ("device=cuda11", ["cuda11.2", "cuda11.8"]),
        ("device=cuda", ["cuda11.2", "cuda11.8", "cuda12.2"]),
        ("device=cuda,!cuda12", ["cuda11.2", "cuda11.8"]),
        ("device==cuda12.2", ["cuda12.2"]),
    ],
)
def test_a_selector_by_device(word, devices):
    found = dict.fromkeys(c.device for c in chosen(word))
    assert sorted(found) == sorted(devices)


def test_a_device_nobody_lists_is_asked_about():
    assert refused("device=cuda118").hint.startswith("close: cuda11.8")
    assert refused("device=gpu").hint == "a GPU is named by its line of libraries: cuda11.2, cuda11.8, cuda12.2, auto"
    assert refused("device=cuda13").hint.startswith("close: cuda1")
    with pytest.raises(UserError, match="needs versions"):
        chosen("device=cuda11.2..cuda11.8")
    with pytest.raises(UserError) as caught:
        single(["tensorflow==2.4.1", "python=3.7", "device=gpu"], MATRIX)
    assert caught.value.hint.startswith("a GPU is named")
    with pytest.raises(UserError) as caught:
        expand(matrix_of(TEXT + "exclude: [{device: gpu, reason: x}]"))
    assert caught.value.hint.startswith("a GPU is named")


def test_an_id_selects_a_cell_on_request_as_well():
    (cell,) = chosen("device=auto", "tf=2.15.1", "python=3.9")
    assert chosen(cell.id[:8]) == (cell,)
    assert chosen(cell.id, PLAN.cells[0].id) == (PLAN.cells[0], cell)
    assert "no cell id begins with 0000" in refused("0000").message


def test_what_is_left_of_a_named_device_is_explained_by_the_rules():
    assert "as released (matrix.yaml:" in refused("device=auto", "resolve=pip-today").message
    assert "all 6 combinations that match" in refused("device=auto", "resolve=pip-today").message
    other = matrix_of(TEXT + RULES + '  - {resolve: pip-today, tf: "2.4", device: cpu, reason: x}\n')
    with pytest.raises(UserError, match=r"all 2 combinations that match tf=2\.4 resolve=pip-today are excluded"):
        select.chosen(other, expand(other), ["tf=2.4", "resolve=pip-today"])


def test_a_table_keeps_what_is_recorded_of_a_device_on_request():
    seen = chosen("device=cuda11.8", "tf=2.10", "python=3.9")
    running = chosen("device=auto", "tf=2.15", "python=3.9")
    gone = walk(matrix_of(TEXT.replace("cuda12.2", "cuda12.9"))).cells
    rows = table(MATRIX, PLAN, (*running, *PLAN.cells[:2]), (*seen, *gone, PLAN.cells[3]))
    on_request = {c.id for c in requested(MATRIX, {"device": frozenset({"cuda11.2", "cuda11.8", "auto"})})}
    assert [c.id for c in rows[: len(PLAN.cells)]] == [c.id for c in PLAN.cells]
    assert {c.id for c in rows[len(PLAN.cells) :]} == on_request
    assert table(MATRIX, PLAN, (), PLAN.cells) == PLAN.cells
    assert table(MATRIX, PLAN, running, seen) == (*PLAN.cells, *running, *seen)


def test_more_than_can_be_planned_on_request_is_refused_as_elsewhere():
    versions, pythons = (", ".join(f'"{major}.{i}"' for i in range(many)) for major, many in ((1, 500), (3, 70)))
    text = TEXT.replace('"2.4.1", "2.10.1", "2.15.1"', versions).replace('"3.7", "3.9"', pythons)
    matrix = matrix_of(text.replace("[released, pip-today]", "[released]"))
    plan = expand(matrix)
    with pytest.raises(UserError, match="more than 100,000 cells"):
        select.chosen(matrix, plan, ["device=cuda"])


# ---------------------------------------------------------------- digests


def test_what_is_only_on_request_is_no_other_matrix_to_published_evidence():
    assert source_digest(source(TEXT + RULES)) == source_digest(source(CPU_ONLY))
    group = 'groups: {gpu: {where: {device: "!cpu"}}}\n'
    assert source_digest(source(TEXT + group)) == source_digest(source(CPU_ONLY))
    assert source_digest(source(TEXT + "groups: {gpu: {}}\n")) == source_digest(
        source(CPU_ONLY + "groups: {gpu: {}}\n")
    )
    assert source_digest(source(TEXT + "groups: {gpu: {}}\n")) != source_digest(source(CPU_ONLY))
    planned = TEXT.replace("{name: cuda11.2, on_request: true,", "{name: cuda11.2,")
    assert source_digest(source(planned)) != source_digest(source(CPU_ONLY))
    assert source_digest(source(planned)) != source_digest(source(planned.replace("11.2.2-", "11.2.1-")))


def test_the_digests_of_files_without_such_devices_are_what_they_were():
    assert source_digest(source(CPU_ONLY)) == "99675a05087e90bfc205421fbf2e4894834f3858afd2612b658a9a17ac7d1e0e"
    assert matrix_of(CPU_ONLY).digest == "e4afa7b559e27f461b28d1eacd13eb6b63af1dd6f964e24eb3b303929cbde69e"
    assert (
        single(["tensorflow==2.4.1", "python=3.7"], matrix_of(CPU_ONLY)).digest
        == "755b578a3638c3776c5d1d10202a08c58be8c184840a76c963774c8e4cf2b76b"
    )


def test_the_matrix_itself_is_another_with_other_libraries():
    assert MATRIX.digest != matrix_of(TEXT.replace("11.8.89", "11.8.90") + RULES).digest
    assert matrix_digest(source(TEXT), MATRIX.choices) == matrix_of(TEXT).digest


def test_choices_that_are_remembered_do_not_bring_back_the_devices_of_their_day():
    remembered = matrix_of(CPU_ONLY).choices
    assert settled(source(TEXT + RULES), remembered) == MATRIX


# ---------------------------------------------------------------- one combination


def test_trying_one_combination_on_a_named_device_needs_no_further_word():
    matrix = single(["tensorflow==2.9.0", "python=3.9", "device=cuda11.8"], MATRIX)
    (cell,) = expand(matrix).cells
    assert (cell.device, cell["device"].sources) == ("cuda11.8", device("cuda11.8").sources)


def test_trying_a_device_that_follows_a_package_keeps_the_lines_it_may_turn_out_to_be():
    matrix = single(["tensorflow==2.9.0", "python=3.9", "device=auto"], MATRIX)
    (cell,) = expand(matrix).cells
    assert cell.device == "auto"
    listed = next(choices for choices in matrix.choices if choices[0].axis.name == "device")
    assert [c.name for c in listed] == ["auto", "cuda11.2", "cuda11.8", "cuda12.2"]
    same = single(["tf==2.15.1", "python=3.9", "device=auto", "resolve=released"], MATRIX)
    assert [c.id for c in expand(same).cells] == [c.id for c in chosen("device=auto", "tf=2.15.1", "python=3.9")]


# ---------------------------------------------------------------- the flagship


@pytest.fixture(scope="module")
def flagship() -> Matrix:
    return resolve(load(paths.data("matrix.yaml")), TinyIndex(FLAGSHIP))


@pytest.fixture(scope="module")
def plan(flagship: Matrix) -> Plan:
    return expand(flagship)


def test_the_flagship_plans_no_gpu_unless_one_is_named(flagship: Matrix, plan: Plan):
    assert {c.device for c in plan.cells} == {"cpu"}
    lines = ["cuda10.1", "cuda11.0", "cuda11.2", "cuda11.8", "cuda12.2", "cuda12.3", "cuda12.5", "auto"]
    assert [c.name for c in flagship.choices[4] if c.on_request] == lines


def test_the_flagships_auto_is_about_one_cell_for_each_tensorflow(flagship: Matrix, plan: Plan):
    cells = select.chosen(flagship, plan, ["device=auto"])
    assert {c.get("tf") for c in cells} == {c.get("tf") for c in plan.cells}
    assert len(cells) == len({c.get("tf") for c in cells}) + 1  # 2.21 has left Python 3.9
    assert {(c.get("kerassurgeon"), c.get("keras"), c.get("env"), c.get("resolve")) for c in cells} == {
        ("none", "unpinned", "plain", "released")
    }
    pythons = {c.get("tf"): c.python for c in cells}
    assert [pythons[tf] for tf in ("1.15.5", "2.4.4", "2.5.3", "2.20.0")] == ["3.7", "3.7", "3.9", "3.9"]


def test_every_line_of_the_flagship_has_a_source_and_exact_pins(flagship: Matrix):
    for choice in flagship.choices[4]:
        if choice.on_request and not choice.follows:
            assert choice.sources is not None
            assert choice.sources.image or choice.sources.wheels
            assert all("==" in line and "tensorrt" not in line for line in choice.sources.wheels)


def test_a_gpu_cell_of_the_flagship_runs_what_is_about_gpus_and_nothing_else(flagship: Matrix, plan: Plan):
    (cell,) = select.chosen(flagship, plan, ["device=cuda12.2", "tf=2.15.1"])
    assert [(g.name, g.gpu) for g in groups_of(cell, flagship)] == [("environment", False), ("gpu", True)]
