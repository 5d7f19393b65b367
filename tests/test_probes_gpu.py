"""The GPU probes, where no GPU is: that they fail without one, and that their numerics work, tried with a stand-in.

The stand-in is the CPU's second logical device in the GPU's place, written into a copy of the suite: results are asked
to live on "/CPU:1" and compared with those of "/CPU:0". What passes there says nothing about any GPU and can't be
taken for it: the probes of that copy have other digests than those of the suite.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import uv
from staged import PROBES, shipped, stage
from supervised import Told

from orchestrator.model import FIXED_VARIABLES
from orchestrator.suite import probe_files
from orchestrator.suite.modules import SuiteFolder
from orchestrator.suite.stated import ProbeFiles

MODULES = ("gpu_place", "gpu_devices", "gpu_networks", "gpu_numbers", "gpu_training")
TENSORFLOW = ("tensorflow-cpu==2.20.0", "keras==3.15.1")
"""What the marked tests install: a TensorFlow with wheels for all Pythons that this project runs on."""
STAND_IN = '''

DEVICE = "%s"
_ready = ready


def ready(tf):
    """A stand-in for tests: the CPU as two devices, one of them in a GPU's place. No evidence comes of it."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    if tf.config.get_logical_device_configuration(cpu) is None:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    _ready(tf)
'''
ONLY_ON_A_GPU = {"gpu.devices.hidden", "gpu.memory.growth", "gpu.memory.limit", "gpu.memory.split"}
"""What TensorFlow refuses to do to a CPU."""
SEVERAL_PROCESSES = {"gpu.devices.environment", "gpu.processes.together", "gpu.save.model", "gpu.save.saved_model"}
"""What starts further processes: seconds each, and sabotaged by hand rather than in every run of these tests."""
WITHOUT_A_SCOPE = {
    "gpu.fit.compiled", "gpu.fit.learns", "gpu.fit.mixed_precision", "gpu.fit.strategy", "gpu.placement.default",
}  # fmt: skip
"""What names no device and is computed on the first one: here the stand-in is "/CPU:0"."""


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, flat: Path) -> Iterator[SimpleNamespace]:
    """The probe modules, `harness` and the group's mutations, imported afresh and forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(flat))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("harness", "mutations_gpu", *MODULES):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: __import__(name) for name in ("harness", "mutations_gpu", *MODULES)})
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def specs(modules: SimpleNamespace) -> list[Any]:
    return [spec for spec in modules.harness.REGISTRY.values() if spec.group == "gpu"]


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """A TensorFlow that shows no GPU and would do anything else it is asked for."""
    tf = MagicMock(name="tensorflow")
    tf.config.list_physical_devices.return_value = []
    tf.config.list_logical_devices.return_value = []
    monkeypatch.setitem(sys.modules, "tensorflow", tf)
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "")
    return tf


# ---------------------------------------------------------------- without TensorFlow


def test_there_are_checks_and_behaviours_that_need_tensorflow_only_and_have_time(specs: list[Any]) -> None:
    assert len([spec for spec in specs if spec.kind == "check"]) >= 35
    assert len([spec for spec in specs if spec.kind == "behaviour"]) >= 5
    assert {spec.needs for spec in specs} == {("tensorflow",)}
    assert min(spec.seconds for spec in specs) >= 120


def test_what_sets_a_device_up_for_a_whole_process_has_one_of_its_own(specs: list[Any]) -> None:
    assert {spec.id for spec in specs if spec.fresh} == ONLY_ON_A_GPU | {"gpu.fit.deterministic"}


def test_every_probe_fails_in_its_subject_where_tensorflow_shows_no_gpu(
    modules: SimpleNamespace, specs: list[Any], without_gpu: MagicMock
) -> None:
    for spec in specs:
        with pytest.raises(AssertionError, match="TensorFlow shows no GPU") as caught:
            modules.harness.call(spec)
        assert modules.harness.within(caught.value), spec.id
    assert not without_gpu.matmul.called
    assert not without_gpu.keras.Sequential.called


def test_a_gpu_that_is_listed_and_does_not_start_is_no_gpu(modules: SimpleNamespace, without_gpu: MagicMock) -> None:
    without_gpu.config.list_physical_devices.return_value = ["/physical_device:GPU:0"]
    with pytest.raises(AssertionError, match="no /GPU:0 among TensorFlow's devices"):
        modules.gpu_place.ready(without_gpu)


def tensor(device: str, backing: str = "") -> SimpleNamespace:
    start = "/job:localhost/replica:0/task:0/device:"
    return SimpleNamespace(device=start + device, backing_device=start + (backing or device))


def test_a_result_counts_only_where_its_numbers_are(modules: SimpleNamespace) -> None:
    place = modules.gpu_place
    weight = SimpleNamespace(value=SimpleNamespace(device="/job:localhost/replica:0/task:0/device:GPU:0"))
    assert place.home(place.lives(tensor("GPU:0"))) == "GPU:0"
    assert place.home(place.lives(weight)) == "GPU:0"
    for elsewhere in (tensor("CPU:0"), tensor("GPU:1"), tensor("XLA_GPU:0"), tensor("GPU:0", "CPU:0")):
        with pytest.raises(AssertionError, match="not on GPU:0"):
            place.lives(elsewhere)


class Number:
    """A number that says where it was computed."""

    def __init__(self, value: float, device: str) -> None:
        self.value, self.device = value, "/job:localhost/replica:0/task:0/device:" + device

    def __mul__(self, other: float) -> Number:
        return Number(self.value * other, self.device.rpartition(":device:")[2])

    def __add__(self, other: float) -> Number:
        return Number(self.value + other, self.device.rpartition(":device:")[2])


def test_numbers_are_sabotaged_on_the_gpu_only(modules: SimpleNamespace) -> None:
    broken = modules.mutations_gpu.off_there(lambda: [Number(3.0, "GPU:0"), Number(3.0, "CPU:0"), None])
    there, here, nothing = broken()
    assert (there.value, here.value, nothing) == (7.0, 3.0, None)


# ---------------------------------------------------------------- memory, with a driver made of Python


class Driver:
    """As much of `libcuda.so.1` as the memory probe calls; `free` are the answers of `cuMemGetInfo`, in MiB."""

    def __init__(self, *free: int, fails: str = "") -> None:
        self.free, self.fails, self.called = list(free), fails, []

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            self.called.append(name)
            if name == "cuMemGetInfo_v2":
                arguments[0]._obj.value, arguments[1]._obj.value = self.free.pop(0) << 20, 16384 << 20
            return 100 if name == self.fails else 0

        return call


def grown(modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, driver: Driver) -> MagicMock:
    """Runs gpu.memory.growth with this driver and a TensorFlow that shows a GPU. Returns that TensorFlow."""
    tf = MagicMock(name="tensorflow")
    tf.config.list_physical_devices.return_value = ["the GPU"]
    tf.matmul.return_value = tensor("GPU:0")
    monkeypatch.setitem(sys.modules, "tensorflow", tf)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: {"libcuda.so.1": driver}[name])
    modules.harness.call(modules.harness.REGISTRY["gpu.memory.growth"])
    return tf


def test_a_process_that_grows_leaves_most_of_the_memory(
    modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(15000, 14000)
    tf = grown(modules, monkeypatch, driver)
    tf.config.experimental.set_memory_growth.assert_called_once_with("the GPU", True)
    assert driver.called.count("cuDevicePrimaryCtxRetain") == driver.called.count("cuDevicePrimaryCtxRelease_v2") == 2


def test_a_process_that_takes_most_of_the_memory_is_noticed(
    modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AssertionError, match="took 14700 of 16384 MiB") as caught:
        grown(modules, monkeypatch, Driver(15000, 300))
    assert modules.harness.within(caught.value) == "tf.config.experimental.set_memory_growth"


def test_a_driver_that_refuses_is_named(modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="the driver's cuInit says 100"):
        grown(modules, monkeypatch, Driver(15000, 14000, fails="cuInit"))


# ---------------------------------------------------------------- further processes


@pytest.fixture
def place(modules: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`gpu_place`, whose further processes find an empty module called tensorflow."""
    (tmp_path / "tensorflow.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return modules.gpu_place


def test_a_further_process_answers_amid_what_else_it_prints(place: ModuleType) -> None:
    code = "print('a bar', end='')\nsay([given['a'] + 1, place.DEVICE, tf.__name__])"
    assert place.answer(code, {"a": 1}) == [2, "/GPU:0", "tensorflow"]


def test_two_further_processes_are_told_when_to_go_on(place: ModuleType) -> None:
    code = "say(given)\nsay(sys.stdin.readline().strip() + str(given))"
    with place.Child(code, 1) as one, place.Child(code, 2) as other:
        assert [one.answer(), other.answer()] == [1, 2]
        for child in (other, one):
            child.tell("go")
        assert [one.answer(), other.answer()] == ["go1", "go2"]
    assert [one.process.poll(), other.process.poll()] != [None, None]


def test_a_further_process_that_dies_is_a_failure_and_no_hang(place: ModuleType) -> None:
    with pytest.raises(AssertionError, match="ended with 7 before it answered"):
        place.answer("print('nothing')\nsys.exit(7)")


def test_a_further_process_gets_its_variables(place: ModuleType) -> None:
    code = "import os\nsay(os.environ['CUDA_VISIBLE_DEVICES'])"
    assert place.answer(code, variables={"CUDA_VISIBLE_DEVICES": "-1"}) == "-1"


# ---------------------------------------------------------------- with TensorFlow, on the stand-in


def copied(folder: Path, device: str | None) -> ProbeFiles:
    """The suite in a folder of its own, with a stand-in for a GPU unless `device` is None."""
    suite = folder / "suite"
    shutil.copytree(PROBES, suite, ignore=shutil.ignore_patterns("__pycache__"))
    if device is not None:
        with (suite / "gpu" / "gpu_place.py").open("a") as file:
            file.write(STAND_IN % device)
    return probe_files.load([SuiteFolder(folder=suite)], suite)


def digests(suite: ProbeFiles) -> dict[str, str]:
    return {probe.id: probe.digest for probe in suite.probes.values()}


def test_the_stand_in_yields_no_evidence_its_probes_have_other_digests(tmp_path: Path) -> None:
    own, copy = digests(shipped()), digests(copied(tmp_path, "/CPU:1"))
    assert own.keys() == copy.keys()
    assert {name for name in own if own[name] != copy[name]} == {name for name in own if name.startswith("gpu.")}


@pytest.fixture(scope="module")
def tensorflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has a TensorFlow for the CPU."""
    folder = tmp_path_factory.mktemp("tensorflow") / "venv"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, folder],
        ["pip", "install", "--quiet", "--python", folder / "bin/python", *TENSORFLOW],
    ):
        subprocess.run([uv.find_uv_bin(), *command], check=True)
    return folder / "bin/python"


def run(python: Path, folder: Path, device: str | None, probes: set[str] | None = None, **plan: object) -> Told:
    """What the supervisor tells of the gpu probes (all, or those named), with the stand-in unless `device` is None."""
    suite = copied(folder, device)
    flat = stage(suite, folder / "probes")
    asked = sorted(probes or {name for name in digests(suite) if name.startswith("gpu.")})
    limits = {"probe_seconds": 300, "import_seconds": 300, "cell_seconds": 1800}
    content = {"probes": asked, "limits": limits, "expected": {"tensorflow-cpu": ""}, "lanes": 2, **plan}
    content |= {"distributions": suite.distributions, "loggers": suite.loggers}
    (folder / "plan.json").write_text(json.dumps(content))
    done = subprocess.run(
        [python, flat / "supervisor.py", folder / "plan.json"],
        capture_output=True,
        check=True,
        env={**os.environ, **dict(FIXED_VARIABLES), "HOME": str(folder), "TMPDIR": str(folder)},
    )
    return Told([json.loads(line) for line in done.stdout.splitlines()], done.returncode)


def ended(told: Told) -> dict[str, str]:
    """Probe → "fails" (in its subject; a behaviour too, whose value that is) or how else it ended."""
    return {event["probe"]: "fails" if event["within"] else event["ended"] for event in told.named("ended")}


@pytest.mark.local
@pytest.mark.network
def test_with_a_real_tensorflow_and_no_gpu_probes_fail_in_their_subject(tensorflow: Path, tmp_path: Path) -> None:
    asked = {"gpu.devices.build", "gpu.devices.listed", "gpu.fit.learns", "gpu.memory.growth", "gpu.save.model"}
    told = run(tensorflow, tmp_path, None, asked)
    assert {event["exception"]["message"] for event in told.named("ended")} == {"TensorFlow shows no GPU"}
    assert ended(told) == dict.fromkeys(asked, "fails")
    assert told["gpu.devices.build"]["value"] == {"raised": "AssertionError"}


@pytest.mark.local
@pytest.mark.network
def test_what_can_be_computed_on_a_cpu_agrees_on_the_stand_in(tensorflow: Path, tmp_path: Path) -> None:
    asked = {name for name in digests(shipped()) if name.startswith("gpu.")} - WITHOUT_A_SCOPE
    second = ended(run(tensorflow, tmp_path / "second", "/CPU:1", asked))
    assert second == {name: "fails" if name in ONLY_ON_A_GPU else "returned" for name in asked}
    first = ended(run(tensorflow, tmp_path / "first", "/CPU:0", WITHOUT_A_SCOPE))
    assert first == dict.fromkeys(WITHOUT_A_SCOPE, "returned")


@pytest.mark.local
@pytest.mark.network
def test_what_passes_on_the_stand_in_fails_when_it_is_sabotaged(
    tensorflow: Path, tmp_path: Path, specs: list[Any]
) -> None:
    in_one_process = {spec.id for spec in specs if spec.kind == "check" and not spec.fresh} - SEVERAL_PROCESSES
    second = ended(run(tensorflow, tmp_path / "second", "/CPU:1", in_one_process - WITHOUT_A_SCOPE, mutate=True))
    assert len(second) > 30
    assert second == dict.fromkeys(second, "fails")
    noticed = WITHOUT_A_SCOPE - {"gpu.placement.default"}  # whose sabotage is computing on the first CPU
    assert ended(run(tensorflow, tmp_path / "first", "/CPU:0", noticed, mutate=True)) == dict.fromkeys(noticed, "fails")
