"""Looking for GPUs: an nvidia-smi of every kind of trouble, a kernel and a bus of a made-up root."""

from __future__ import annotations

import pytest
from shell_tools import TWO, smi, tools_in

from orchestrator.engine import nvidia
from orchestrator.model.host import Gpu, Reply

NOT_LOADED = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running."
)


@pytest.fixture(name="tools")
def tools_fixture(tmp_path):
    return tools_in(tmp_path)


def test_two_gpus_are_read_with_memory_and_capability(tools, tmp_path):
    tools("nvidia-smi", TWO)
    found, _ = smi(tools, tmp_path)
    assert found.driver == "535.104.05"
    assert found.smi.answer.reply is Reply.ANSWERED
    assert found.gpus == (
        Gpu(name="NVIDIA A100-SXM4-80GB", memory=81920 * 1024**2, capability="8.0"),
        Gpu(name="Tesla T4", memory=15360 * 1024**2, capability="7.5"),
    )


def test_nvidia_smi_that_sleeps_for_a_minute_is_ended_after_its_seconds(tools, tmp_path, monkeypatch):
    monkeypatch.setattr(nvidia, "SMI_SECONDS", 0.6)
    tools("nvidia-smi", "sleep 60")
    found, taken = smi(tools, tmp_path)
    assert (found.smi.answer.reply, found.smi.answer.seconds) == (Reply.SILENT, 0.6)
    assert (found.gpus, found.driver) == ((), "")
    assert taken < 5


def test_nvidia_smi_without_its_driver_keeps_exit_status_and_message(tools, tmp_path):
    tools("nvidia-smi", f'echo "{NOT_LOADED}"; exit 9')
    found, _ = smi(tools, tmp_path)
    assert (found.smi.answer.reply, found.smi.answer.code, found.smi.answer.said) == (Reply.FAILED, 9, NOT_LOADED)
    assert found.smi.path.endswith("/nvidia-smi")


@pytest.mark.parametrize(
    "script",
    [
        "printf '\\033[31mhello\\033[0m\\n\\377\\376 world\\n'",
        "echo 'name, memory, capability, driver'",
        "echo 'A100, 81920 MiB, 8.0, '",
        "echo 'A100, lots, 8.0, 535.54'",
        ":",
        "exec yes garbage",
        "head -c 70000 /dev/urandom",
    ],
)
def test_garbage_of_nvidia_smi_is_no_gpu(tools, tmp_path, script):
    tools("nvidia-smi", script)
    found, _ = smi(tools, tmp_path)
    assert found.smi.answer.reply is Reply.UNREADABLE
    assert found.smi.answer.said
    assert (found.gpus, found.driver) == ((), "")


def test_nvidia_smi_that_vanishes_between_two_questions_is_not_there(tools, tmp_path):
    path = tools("nvidia-smi", 'rm "$0"; exit 2')
    found, _ = smi(tools, tmp_path)
    assert not path.exists()
    assert (found.smi.path, found.smi.answer.reply, found.smi.answer.code) == (str(path), Reply.ABSENT, None)
    assert smi(tools, tmp_path)[0].smi.path == ""


def test_an_old_nvidia_smi_is_asked_again_without_compute_capabilities(tools, tmp_path):
    refuse = 'echo "Field \\"compute_cap\\" is not a valid field to query."; exit 2'
    tools("nvidia-smi", f'case "$1" in *compute_cap*) {refuse};; esac\necho "Tesla K80, 11441 MiB, 450.80.02"')
    found, _ = smi(tools, tmp_path)
    assert found.gpus == (Gpu(name="Tesla K80", memory=11441 * 1024**2),)
    assert (found.driver, found.smi.answer.reply) == ("450.80.02", Reply.ANSWERED)


def test_what_a_gpu_does_not_say_is_unknown_and_names_may_hold_commas():
    lines = ["NVIDIA GB10, rev 2, [N/A], 12.1, 580.95.05", "Odd, [Not Supported], [N/A], 580.95.05"]
    found, strange = nvidia.rows(lines, ("name", "memory.total", "compute_cap", "driver_version"))
    assert [row.gpu for row in found] == [Gpu(name="NVIDIA GB10, rev 2", capability="12.1"), Gpu(name="Odd")]
    assert strange == ()


def test_a_lost_gpu_does_not_take_the_others_along(tools, tmp_path):
    lost = "Unable to determine the device handle for GPU0000:65:00.0: Unknown Error"
    tools("nvidia-smi", f'echo "Tesla T4, 15360 MiB, 7.5, 535.104.05"\necho "{lost}"\nexit 15')
    found, _ = smi(tools, tmp_path)
    assert [gpu.name for gpu in found.gpus] == ["Tesla T4"]
    assert (found.smi.answer.reply, found.smi.answer.code) == (Reply.FAILED, 15)
    assert lost in found.smi.answer.said


def test_lines_beside_a_good_list_are_kept_as_said(tools, tmp_path):
    tools("nvidia-smi", f"{TWO}\necho 'WARNING: infoROM is corrupted at gpu 0000:00:1E.0'")
    found, _ = smi(tools, tmp_path)
    assert (len(found.gpus), found.smi.answer.reply) == (2, Reply.ANSWERED)
    assert found.smi.answer.said.startswith("WARNING")


def test_without_nvidia_smi_there_is_still_the_kernel_and_the_bus(tools, tmp_path):
    root = tmp_path / "root"
    card = root / "sys/bus/pci/devices/0000:01:00.0"
    sound = root / "sys/bus/pci/devices/0000:01:00.1"
    for place, kind in ((card, "0x030200"), (sound, "0x040300")):
        place.mkdir(parents=True)
        (place / "vendor").write_text("0x10de\n")
        (place / "class").write_text(f"{kind}\n")
        (place / "device").write_text("0x2335\n")
    (root / "proc/driver/nvidia").mkdir(parents=True)
    (root / "proc/driver/nvidia/version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build  (root@host)  Fri Aug 16\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
    )
    (root / "dev").mkdir()
    for name in ("nvidia0", "nvidiactl", "null"):
        (root / "dev" / name).touch()
    found, _ = smi(tools, root)
    assert (found.smi.path, found.smi.answer.reply) == ("", Reply.ABSENT)
    assert (found.module, found.driver) == ("560.35.03", "560.35.03")
    assert found.cards == ("0000:01:00.0 10de:2335",)
    assert found.nodes == ("/dev/nvidia0", "/dev/nvidiactl")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n", "535.104.05"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  384.81  Wed Aug 17 22:24:07 PDT 2016", "384.81"),
        ("GCC version: gcc version 12.2.0\n", ""),
        ("", ""),
    ],
)
def test_the_kernel_modules_version_is_read_whichever_module_it_is(text, version):
    assert nvidia.module_version(text) == version


def test_the_toolkit_and_its_hook_are_found_on_path(tools, tmp_path):
    tools("nvidia-ctk", "echo 'NVIDIA Container Toolkit CLI version 1.17.8'; echo 'commit: f202b80a9b'")
    hook = tools("nvidia-container-runtime-hook", "exit 1")
    found, _ = smi(tools, tmp_path)
    assert (found.toolkit.version, found.hook) == ("1.17.8", str(hook))
    tools("nvidia-ctk", "echo unknown")
    assert smi(tools, tmp_path)[0].toolkit.answer.reply is Reply.UNREADABLE


def test_the_driver_tools_of_wsl_are_found_beside_path(tools, tmp_path):
    place = tmp_path / "usr/lib/wsl/lib"
    place.mkdir(parents=True)
    tools("nvidia-smi", TWO).rename(place / "nvidia-smi")
    found, _ = smi(tools, tmp_path)
    assert (found.smi.path, len(found.gpus)) == (str(place / "nvidia-smi"), 2)
