"""What facts about a machine come to: findings, advice, exit status, and lines that fit."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from doctor_machines import (
    DRIVERS,
    GB,
    LOCAL,
    MACHINE,
    NO,
    NO_DOCKER,
    PLANNED,
    SPECS,
    T4,
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
    CudaLine,
    DockerCommand,
    Level,
    PackageHost,
    Planned,
    Processor,
    Program,
    Reply,
    Response,
)
from orchestrator.report.doctor import diagnose, document, engine_of, render

# ------------------------------------------------------------ the answer in short


def test_a_machine_with_docker_can_run_cpu_combinations():
    told = diagnose(MACHINE, PLANNED, SPECS, DRIVERS)
    assert (told.code, told.engine) == (ExitCode.OK, "docker")
    assert told.headline == (
        "CPU combinations can run here, in Docker 27.3.1.",
        "GPU probes can't run here; images for GPUs can be built and audited.",
    )
    assert not [f for f in told.findings if f.level is Level.FIX]


def test_without_docker_the_local_engine_is_a_way_on_and_said_to_be_one():
    told = diagnose(LOCAL, PLANNED, SPECS, DRIVERS)
    assert (told.code, told.engine) == (ExitCode.OK, "local")
    assert told.headline[0] == "CPU combinations can run here, in the local engine, without isolation."
    (docker, local, _) = found(LOCAL, Area.ENGINE)
    assert docker[:2] == (Level.FIX, "no Docker daemon answers at unix:///var/run/docker.sock")
    assert "nox -s engine" in docker[2]
    assert "the local engine works here" in local[1]
    assert local[2].startswith("compat run takes it; its results have a table of their own")


def test_where_ci_is_set_the_local_engine_must_be_named():
    (_, local, _) = found(replace(LOCAL, named_only=True), Area.ENGINE)
    assert local[2].startswith("compat run --engine local (CI is set: it must be named)")


def test_without_any_engine_the_exit_status_says_so():
    mac = replace(NO_DOCKER, system="darwin", processor=Processor(machine="arm64"))
    told = diagnose(mac, PLANNED, SPECS, DRIVERS)
    assert (told.code, told.engine) == (ExitCode.NO_ENGINE, "")
    assert told.headline == ("Nothing can run here: no engine is available.",)
    assert found(mac, Area.ENGINE)[1][1] == "the local engine needs Linux on x86_64, this is darwin on arm64"
    assert found(mac, Area.COMBINATIONS) == []


def test_a_daemon_of_another_system_is_no_engine_of_ours():
    arm = daemon(system="linux/aarch64")
    assert engine_of(arm) == "local"
    assert found(arm, Area.ENGINE)[0][1].endswith("is linux/aarch64, not linux/x86_64")


@pytest.mark.parametrize(
    ("answer", "says", "advice"),
    [
        (Response(reply=Reply.DENIED), "denies access to this user", "usermod -aG docker"),
        (Response(reply=Reply.SILENT, seconds=3), "no Docker daemon answers within 3 s", "systemctl restart docker"),
        (Response(reply=Reply.UNREADABLE), "is not a Docker daemon", "DOCKER_HOST"),
        (Response(reply=Reply.FAILED, said="bad\x1b[31m TLS"), "no Docker daemon answers at unix", "nox -s engine"),
    ],
)
def test_each_way_of_not_answering_has_its_own_next_step(answer, says, advice):
    level, said, next_step = found(daemon(answer=answer), Area.ENGINE)[0]
    assert level is Level.FIX
    assert says in said
    assert advice in next_step
    assert "\x1b" not in said


# ------------------------------------------------------------ what keeps cells from running


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (machine(clients=()), "no docker command on PATH"),
        (
            machine(clients=(DockerCommand(path="/d", version="28.2.2"),)),
            "no docker command here has BuildKit (/d 28.2.2)",
        ),
        (machine(processor=replace(MACHINE.processor, flags=("sse4_2",))), "no AVX, which TensorFlow's wheels need"),
        (
            machine(index=PackageHost(at="index.example", answer=Response(reply=Reply.FAILED, said="HTTP 503"))),
            "HTTP 503",
        ),
        (machine(uv=Program(answer=NO)), "uv is not installed"),
        (daemon(disk_free=2 * GB), "2.0 GB free where images lie"),
    ],
)
def test_what_keeps_every_cell_from_running_is_in_the_headline_and_the_exit_status(host, why):
    told = diagnose(host, PLANNED, SPECS, DRIVERS)
    assert told.code is ExitCode.INFRA
    assert told.headline[0].startswith("CPU combinations can't run here yet: ")
    assert why in told.headline[0]
    assert all(f.advice for f in told.findings if f.level is Level.FIX)


def test_instructions_are_missed_only_where_a_package_of_the_matrix_needs_them():
    host = machine(processor=replace(MACHINE.processor, flags=("sse4_2",)))
    told = diagnose(host, replace(PLANNED, packages=("numpy", "pandas")), SPECS, DRIVERS)
    assert told.code is ExitCode.OK
    (said,) = [f.says for f in told.findings if f.area is Area.PROCESSOR]
    assert said.endswith("no AVX and no AVX2 and no FMA: slower, numbers may differ")


def test_an_old_docker_command_has_buildkit_without_buildx():
    both = (DockerCommand(path="/new", version="28.2.2"), DockerCommand(path="/old", version="20.10.24"))
    assert (Level.OK, "BuildKit is built into /old 20.10.24", "") in found(machine(clients=both), Area.ENGINE)
    assert code(machine(clients=(DockerCommand(path="/ancient", version="17.12.1"),))) is ExitCode.INFRA


def test_little_disk_and_memory_are_notes():
    small = daemon(disk_free=10 * GB, memory=2 * GB, unenforced=("memory", "pids"))
    notes = [said for level, said, _ in found(small, Area.ENGINE) if level is Level.NOTE]
    assert code(small) is ExitCode.OK
    assert "2.0 GB memory, less than one combination may use (4.0 GB)" in notes[0]
    assert "memory, pids" in notes[1]
    assert "10.0 GB free" in notes[2]


def test_a_processor_without_avx2_is_slower_and_one_nobody_can_see_is_unknown():
    (old,) = found(machine(processor=replace(MACHINE.processor, flags=("avx",))), Area.PROCESSOR)
    assert old[:2] == (Level.NOTE, "A CPU: AVX; no AVX2 and no FMA: slower, numbers may differ")
    (unknown,) = found(machine(processor=replace(MACHINE.processor, flags=None)), Area.PROCESSOR)
    assert "not known" in unknown[1]


def test_of_a_daemon_elsewhere_only_its_own_word_counts():
    away = replace(daemon(here=False, host="tcp://10.0.0.1:2375", disk_free=None), nvidia=with_gpus())
    told = diagnose(away, PLANNED, SPECS, DRIVERS)
    assert "GPU probes can't run here" in told.headline[1]
    assert any("another machine" in said for _, said, _ in found(away, Area.ENGINE))
    assert "not known" in found(away, Area.PROCESSOR)[0][1]
    assert "is not set up for GPUs" in found(away, Area.NVIDIA)[-1][1]
    inside = replace(away, daemon=replace(away.daemon, flags=("sse4_2",), runtimes=("nvidia", "runc")))
    assert code(inside) is ExitCode.INFRA
    assert found(inside, Area.NVIDIA)[-1][1].endswith("the daemon there is set up for GPUs")
    assert diagnose(inside, PLANNED, SPECS, DRIVERS).headline[1].startswith("Containers run on another machine")


# ------------------------------------------------------------ combinations


def test_pythons_are_grouped_by_how_their_base_comes():
    told = found(MACHINE, Area.COMBINATIONS)
    assert told[0][:2] == (Level.OK, "Python 3.7, 100 planned: the base is here")
    assert told[1][1] == (
        "Python 3.8, 3.9, 1,520 planned: base to be pulled; the registry answers (asked for python:3.8-slim)"
    )
    assert told[2][1].startswith("1,620 of 1,620 planned on the CPU have a base")


def test_without_a_registry_what_can_be_bootstrapped_still_can():
    offline = daemon(registry=Response(reply=Reply.FAILED, said="dial tcp: no such host"), images=())
    told = found(offline, Area.COMBINATIONS)
    assert [said for _, said, _ in told[:2]] == [
        "Python 3.7, 100 planned: base to be bootstrapped (mmdebstrap, mvn); Debian's and Maven's servers were not "
        "asked",
        "Python 3.9, 1,500 planned: base to be bootstrapped (mmdebstrap); Debian's servers were not asked",
    ]
    level, said, advice = told[2]
    assert level is Level.FIX
    assert said == (
        "Python 3.8, 20 planned: no base here, no registry answers (asked for python:3.8-slim: dial tcp: no such "
        "host), images/bases.yaml lists no other source"
    )
    assert "images/bases.yaml" in advice
    assert told[3][1].startswith("1,600 of 1,620 planned on the CPU have a base")
    assert code(offline) is ExitCode.OK


def test_where_no_python_has_a_base_nothing_can_run_and_what_to_install_is_said():
    bare = replace(daemon(registry=Response(reply=Reply.FAILED, said="refused"), images=()), tools=())
    told = diagnose(bare, PLANNED, SPECS, DRIVERS)
    assert told.code is ExitCode.INFRA
    advice = [f.advice for f in told.findings if f.area is Area.COMBINATIONS and "3.7" in f.says]
    assert advice[0].startswith("apt-get install mmdebstrap maven; or reach a registry")


def test_a_registry_that_was_slow_leaves_the_question_open():
    slow = daemon(registry=Response(reply=Reply.SILENT, seconds=3))
    level, said, _ = found(slow, Area.COMBINATIONS)[-3]
    assert level is Level.NOTE
    assert "no answer within 3 s" in said
    assert code(slow) is ExitCode.OK


def test_the_local_engine_needs_interpreters_of_this_machine():
    told = found(LOCAL, Area.COMBINATIONS)
    assert told[0][1] == "Python 3.9, 1,500 planned: its interpreter is on this machine"
    assert told[1][1] == "Python 3.7, 100 planned: a relocatable interpreter by Maven, whose server was not asked"
    assert told[2] == (
        Level.FIX,
        "Python 3.8, 20 planned: no such interpreter on this machine",
        "uv python install 3.8",
    )
    assert told[-1][1] == "CUDA: GPU images need Docker"
    with_wheels = replace(
        PLANNED, lines=(*lines("cuda12.2").lines, CudaLine(name="cuda11.2", image="nvidia/cuda:11.2"))
    )
    assert found(LOCAL, Area.COMBINATIONS, with_wheels)[-1][1].endswith("can make environments with cuda12.2")


def test_a_plan_nobody_has_counted_yet_is_not_guessed_at():
    told = found(MACHINE, Area.COMBINATIONS, replace(PLANNED, counts=None))
    assert told[0][1] == "Python 3.7: the base is here"
    assert any("once the package index has been read" in said and advice == "compat plan" for _, said, advice in told)


def test_a_matrix_that_can_not_be_read_is_told_beside_the_machine():
    broken = Planned(trouble="matrix.yaml:3:1: expected a mapping", hint="see docs/matrix.md")
    told = diagnose(MACHINE, broken, SPECS, DRIVERS)
    assert told.code is ExitCode.USAGE
    assert found(MACHINE, Area.COMBINATIONS, broken) == [(Level.FIX, broken.trouble, broken.hint)]
    assert found(MACHINE, Area.ENGINE, broken)[0][0] is Level.OK


def test_a_python_without_any_base_entry_is_named():
    told = found(MACHINE, Area.COMBINATIONS, replace(PLANNED, pythons=("3.7", "3.6"), counts=(("cpu", "3.6", 7),)))
    assert told[1] == (
        Level.FIX,
        "Python 3.6, 7 planned: images/bases.yaml lists no base",
        "add an entry to images/bases.yaml",
    )


# ------------------------------------------------------------ as text and as JSON

SHOWN = [
    MACHINE,
    LOCAL,
    machine(
        nvidia=with_gpus("450.1", T4, replace(T4, name="NVIDIA H100 80GB HBM3 with a rather long name of its own"))
    ),
    replace(daemon(registry=Response(reply=Reply.FAILED, said="a b " * 40)), tools=()),
    failing(Reply.FAILED, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. " * 3, 9),
]


@pytest.mark.parametrize("width", [40, 60, 100, 200])
@pytest.mark.parametrize("host", SHOWN)
def test_lines_fit_the_width_but_for_what_can_not_be_broken(host, width):
    lines = render(diagnose(host, PLANNED, SPECS, DRIVERS), width).splitlines()
    for line in lines:
        assert len(line) <= width or len(line.split()) <= 2, line
        assert line == line.rstrip()
        assert line.isprintable()
    headings = [line for line in lines if line in list(Area)]
    assert headings == [area.value for area in Area]


def test_the_page_reads_from_the_answer_to_the_reasons():
    text = render(diagnose(machine(nvidia=with_gpus()), PLANNED, SPECS, {}), 72)
    assert (
        text
        == """\
CPU combinations can run here, in Docker 27.3.1.
GPU probes can't run here; images for GPUs can be built and audited.

Engine
  ok    Docker 27.3.1 answers at unix:///var/run/docker.sock (overlay2,
        cgroup v2)
  ok    BuildKit: buildx 0.14.1 of /usr/bin/docker
  ok    8 CPUs, 16.0 GB memory
  ok    200.0 GB free where images lie (/var/lib/docker)

Processor
  ok    A CPU: AVX, AVX2, FMA

Packages
  ok    the package index at index.example answers
  ok    uv 0.13.8

NVIDIA
  ok    driver 535.104.05, 1 GPU
  ok    Tesla T4, 15 GiB, compute capability 7.5
  fix   no container toolkit: containers get no GPU
        → install it:
          https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html

Combinations
  ok    Python 3.7, 100 planned: the base is here
  ok    Python 3.8, 3.9, 1,520 planned: base to be pulled; the registry
        answers (asked for python:3.8-slim)
  ok    1,620 of 1,620 planned on the CPU have a base; the index says
        which of them have wheels
        → compat plan
  note  CUDA: images can be built and audited without a GPU; GPU probes
        need what is listed above
"""
    )


def test_the_document_holds_facts_and_findings_in_ascii():
    host = failing(Reply.UNREADABLE, "\x1b[31mh\u00e9\u202e")
    text = document(host, PLANNED, diagnose(host, PLANNED, SPECS, DRIVERS))
    read = json.loads(text)
    assert text.isascii()
    assert "\x1b" not in text
    assert (read["exit"], read["engine"]) == (0, "docker")
    assert read["facts"]["nvidia"]["smi"]["answer"]["said"] == "\x1b[31mh\u00e9\u202e"
    assert read["facts"]["daemon"]["version"] == "27.3.1"
    assert read["planned"]["counts"][0] == ["cpu", "3.7", 100]
    assert {"area", "level", "says", "advice", "code"} == set(read["findings"][0])
