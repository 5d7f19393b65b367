"""What facts about GPUs come to: which lines can run, what is missing, and lines that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from doctor_machines import (
    DAEMON,
    DRIVERS,
    MACHINE,
    NO,
    PLANNED,
    SPECS,
    T4,
    YES,
    code,
    daemon,
    failing,
    found,
    lines,
    machine,
    with_gpus,
)

from orchestrator.errors import ExitCode
from orchestrator.model.host import (
    Area,
    Gpu,
    Level,
    Nvidia,
    Program,
    Reply,
    Response,
)
from orchestrator.report import doctor_gpu
from orchestrator.report.doctor import diagnose


def test_without_a_gpu_images_can_be_built_and_audited_and_probes_need_one():
    cuda = replace(lines("cuda12.3", "cuda11.2"), counts=(*PLANNED.counts, ("cuda11.2", "3.9", 9), ("auto", "3.9", 5)))
    told = found(MACHINE, Area.COMBINATIONS, cuda)[-1]
    assert told[:2] == (
        Level.NOTE,
        "cuda11.2, cuda12.3, 9 on request: images can be built and audited without a GPU; GPU probes need one",
    )
    assert found(MACHINE, Area.NVIDIA)[0][:2] == (Level.NOTE, "no NVIDIA GPU in this machine, and no driver")


def test_a_line_whose_images_no_registry_gives_has_no_source_here_and_is_not_promised():
    offline = daemon(registry=Response(reply=Reply.FAILED, said="no such host"))
    image = "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"
    old, new = lines("cuda11.2", image=image, wheels=False).lines, lines("cuda12.2", image=image).lines
    both = replace(PLANNED, lines=(*old, *new))
    assert [said for _, said, _ in found(offline, Area.COMBINATIONS, both)[-2:]] == [
        "cuda12.2: images can be built and audited without a GPU; GPU probes need one",
        "cuda11.2: no source here; their libraries come from images, but no registry answers",
    ]
    assert "`docker load`" in found(offline, Area.COMBINATIONS, both)[-1][2]
    asked = replace(offline, daemon=replace(offline.daemon, wanted=image))
    alone = found(asked, Area.COMBINATIONS, replace(PLANNED, lines=old))
    assert alone[-1][1].endswith(f"no registry answers (asked for {image}: no such host)")
    assert not any("audited" in said for _, said, _ in alone)
    loaded = replace(offline, daemon=replace(offline.daemon, images=(image,)))
    for host in (MACHINE, loaded):
        assert "cuda11.2, cuda12.2: images can be built" in found(host, Area.COMBINATIONS, both)[-1][1]


def test_gpus_with_a_driver_and_a_toolkit_can_run_probes():
    ready = replace(
        daemon(runtimes=("nvidia", "runc")),
        nvidia=with_gpus(toolkit=Program(path="/bin/nvidia-ctk", version="1.17.8", answer=YES)),
    )
    told = found(ready, Area.NVIDIA, drivers={"cuda12.2": "525.60.13"})
    assert [level for level, _, _ in told] == [Level.OK] * 4
    assert [said for _, said, _ in told] == [
        "driver 535.104.05, 1 GPU",
        "Tesla T4, 15 GiB, compute capability 7.5",
        "driver 535.104.05 is new enough for cuda12.2",
        "container toolkit 1.17.8: the daemon is set up for GPUs (runtime nvidia)",
    ]
    assert diagnose(ready, PLANNED, SPECS, {}).headline[1] == "GPU probes can run: 1 GPU."


@pytest.mark.parametrize(
    ("changes", "by"),
    [
        ({"devices": ("nvidia.com/gpu=0",)}, "CDI device nvidia.com/gpu=0"),
        ({"devices": ("nvidia.com/gpu=0", "nvidia.com/gpu=all")}, "2 CDI devices"),
        ({"devices": ("amd.com/gpu=0",)}, ""),
        ({"runtimes": ("nvidia-legacy", "runc")}, "runtime nvidia-legacy"),
    ],
)
def test_containers_get_gpus_by_a_device_or_a_runtime(changes, by):
    host = replace(daemon(**changes), nvidia=with_gpus())
    assert (doctor_gpu.ready(host, engine="docker"), by in found(host, Area.NVIDIA)[-1][1]) == (bool(by), True)


def test_the_toolkits_hook_is_enough_for_a_daemon_of_this_machine():
    host = machine(nvidia=with_gpus(hook="/usr/bin/nvidia-container-runtime-hook"))
    assert doctor_gpu.ready(host, engine="docker")


def test_a_gpu_without_the_toolkit_gets_the_page_that_installs_it():
    level, said, advice = found(machine(nvidia=with_gpus()), Area.NVIDIA)[-1]
    assert (level, said) == (Level.FIX, "no container toolkit: containers get no GPU")
    assert advice == f"install it: {doctor_gpu.TOOLKIT}"
    installed = with_gpus(toolkit=Program(path="/bin/nvidia-ctk", version="1.17.8", answer=YES))
    level, said, advice = found(machine(nvidia=installed), Area.NVIDIA)[-1]
    assert level is Level.FIX
    assert "nvidia-ctk runtime configure --runtime=docker" in advice
    assert found(machine(nvidia=installed), Area.COMBINATIONS)[-1][1].endswith("GPU probes need what is listed above")


def test_lines_a_driver_is_too_old_for_are_named_with_the_version_they_need():
    host = machine(nvidia=with_gpus("535.54.03"))
    told = found(host, Area.NVIDIA)
    assert (Level.OK, "driver 535.54.03 is new enough for cuda11.2, cuda12.2", "") in told
    old = next(f for f in told if "too old" in f[1])
    assert old[1] == "driver 535.54.03 is too old for cuda12.3 (needs 545.23.06), cuda13.0 (needs 580)"
    assert "install driver 580 or newer" in old[2]


def test_gpu_probes_of_lines_the_driver_is_too_old_for_are_not_promised():
    host = replace(daemon(runtimes=("nvidia",)), nvidia=with_gpus("535.54.03"))
    both = lines("cuda12.2", "cuda12.3")
    assert found(host, Area.COMBINATIONS, both)[-1][1].endswith("can't run for cuda12.3: the driver is too old")
    one = lines("cuda12.3")
    assert found(host, Area.COMBINATIONS, one)[-1][1].endswith("GPU probes can't run: the driver is too old")
    assert not any("cuda11.2" in said for _, said, _ in found(host, Area.NVIDIA, one))


def test_many_lines_in_a_row_are_told_by_the_first_and_the_last():
    drivers = {f"cuda11.{n}": "450.80.02" for n in range(1, 9)} | {f"cuda9.{n}": "384.81" for n in range(3)}
    said = [s for _, s, _ in found(machine(nvidia=with_gpus("400.1")), Area.NVIDIA, drivers=drivers)]
    assert "driver 400.1 is new enough for cuda9.0, cuda9.1, cuda9.2" in said
    assert "driver 400.1 is too old for cuda11.1 to cuda11.8 (needs 450.80.02)" in said


def test_versions_of_drivers_are_compared_by_their_numbers():
    assert doctor_gpu.version("535.54.03") > doctor_gpu.version("535.9.10") > doctor_gpu.version("535")
    assert doctor_gpu.too_old("", DRIVERS) == []


@pytest.mark.parametrize(
    ("host", "says", "advice"),
    [
        (failing(Reply.SILENT, seconds=10.0), "nvidia-smi did not answer within 10 s and was ended", "restart"),
        (
            failing(Reply.FAILED, "couldn't communicate with the driver", 9),
            "ended with exit status 9: couldn't comm",
            "modprobe",
        ),
        (failing(Reply.FAILED, "Driver/library version mismatch", 18, module="535.1.1"), "mismatch", "restart"),
        (failing(Reply.FAILED, "?", 77), "ended with exit status 77: ?; no NVIDIA kernel module", "by hand"),
        (failing(Reply.UNREADABLE, "\x1b[31mhello\u202e"), "something other than a list of GPUs: hello", "by hand"),
        (
            failing(Reply.ABSENT, "No such file or directory"),
            "(/bin/nvidia-smi) could not be started: No such",
            "reinstall",
        ),
        (machine(nvidia=Nvidia(smi=Program(answer=NO), module="535.1.1")), "driver 535.1.1 is loaded", "tools"),
        (machine(nvidia=Nvidia(smi=Program(answer=NO), cards=("0000:01:00.0 10de:2335",))), "1 NVIDIA card", "driver"),
        (machine(nvidia=Nvidia(smi=Program(answer=NO), nodes=("/dev/nvidia0",))), "nvidia-smi is not on PATH", "PATH"),
    ],
)
def test_each_trouble_with_the_driver_is_named_with_a_next_step(host, says, advice):
    level, said, next_step = found(host, Area.NVIDIA)[0]
    assert level is Level.FIX
    assert says in said
    assert advice in next_step
    assert said.isprintable()
    assert code(host) is ExitCode.OK


def test_a_gpu_that_is_lost_leaves_the_others_listed_and_nothing_promised():
    host = failing(Reply.FAILED, "Unable to determine the device handle", 15, gpus=(T4,), module="535.1.1")
    told = found(host, Area.NVIDIA)
    assert told[0][1].startswith("1 GPU listed before that; nvidia-smi ended with exit status 15")
    assert told[1][1].startswith("Tesla T4")
    assert doctor_gpu.ready(replace(host, daemon=replace(DAEMON, runtimes=("nvidia",))), engine="docker") is False


def test_words_of_programs_have_no_escapes_and_stay_short():
    names = with_gpus("535.1", Gpu(name="\x1b]0;title\x07A\u202eB"))
    told = found(machine(nvidia=names), Area.NVIDIA)[1][1]
    assert told == "\\x1b]0;title\\x07A\\u202eB, memory unknown, compute capability unknown"
    long = failing(Reply.UNREADABLE, "x" * 5000)
    assert len(found(long, Area.NVIDIA)[0][1]) < 300
