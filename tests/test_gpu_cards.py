"""Probes that need a GPU: run where one is, left out and said so where none is. The GPU here is a stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from fakes import FakeEngine, altered, cell, run_context

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.gpu import cards
from orchestrator.model import Ended, Exit, Group, Limits, Prepared
from orchestrator.run.assemble import once
from orchestrator.run.cells import NO_GPU, run_cell

IMAGE = Prepared(key="k", reference="image", interpreter="python", trusted="python", built=True)
CARD = "stand-in for a GPU, 8.0, 0.0"
GROUPS = (Group(name="tensorflow"), Group(name="gpu", gpu=True))


@dataclass
class Given(FakeEngine):
    """Has a card to give that is no GPU; `cards` are what nvidia-smi says each time."""

    cards: list = field(default_factory=lambda: [CARD])
    tasks: list = field(default_factory=list)
    trouble: CellError | None = None

    def run(self, reference, task, on_line):
        self.tasks.append(task)
        if task.command[0] != "nvidia-smi":
            return super().run(reference, task, on_line)
        if self.trouble:
            raise self.trouble
        said = self.cards.pop(0) if len(self.cards) > 1 else self.cards[0]
        if said:
            on_line(said.encode())
        return Exit(code=0 if said else 9, seconds=0.1)


def shop(tmp_path, engine, **fields):
    made = run_context(tmp_path, engine, "tensorflow.fit", "gpu.matmul", groups=lambda _cell: GROUPS, **fields)
    return altered(made, gpus=once(now(engine)), gpus_now=now(engine))


def now(engine):
    return lambda image: cards.ask(image, engine, Limits())


def probed(engine):
    return [
        (task.gpus, started)
        for task, started in zip(
            (t for t in engine.tasks if "supervisor" in " ".join(t.command)), engine.started, strict=True
        )
    ]


def test_without_a_gpu_its_probes_are_left_out_with_the_reason_and_the_rest_runs(tmp_path):
    engine = Given(cards=[""])
    record = run_cell(cell(), shop(tmp_path, engine))
    assert record.status is CellStatus.RAN
    ended = {o.probe: (o.ended, o.reason) for o in record.observations}
    assert ended["gpu.matmul"] == (Ended.NOT_RUN, NO_GPU)
    assert ended["tensorflow.fit"][0] is Ended.RETURNED
    assert all("gpu.matmul" not in started for started in engine.started)


def test_what_was_left_out_for_want_of_a_gpu_runs_once_there_is_one(tmp_path):
    without = Given(cards=[""])
    run_cell(cell(), shop(tmp_path, without))
    engine = Given()
    record = run_cell(cell(), shop(tmp_path, engine))
    assert {o.probe: o.ended for o in record.observations}["gpu.matmul"] is Ended.RETURNED


def test_only_the_container_of_those_probes_is_given_the_gpu(tmp_path):
    engine = Given()
    run_cell(cell(), shop(tmp_path, engine))
    assert probed(engine) == [(False, ("control.passes", "tensorflow.fit")), (True, ("gpu.matmul",))]


def test_evidence_of_one_card_does_not_stand_for_another(tmp_path):
    first = Given()
    run_cell(cell(), shop(tmp_path, first))
    same, other = Given(), Given(cards=["another stand-in, 9.0, 0.0"])
    run_cell(cell(), shop(tmp_path, same))
    assert probed(same) == []
    run_cell(cell(), shop(tmp_path, other))
    assert probed(other) == [(True, ("gpu.matmul",))]


def test_a_gpu_that_disappears_meanwhile_makes_the_cell_infra(tmp_path):
    engine = Given(cards=[CARD, ""])
    record = run_cell(cell(), shop(tmp_path, engine))
    assert (record.status, record.reason) == (CellStatus.INFRA, "gpu-lost")


def test_an_engine_that_has_no_gpu_to_give_means_none_and_one_that_is_gone_is_infra():
    refused = Given(
        trouble=infra(Phase.START, "daemon", 'could not select device driver "" with capabilities: [[gpu]]')
    )
    assert cards.ask(IMAGE, refused, Limits()) == ""
    gone = Given(trouble=infra(Phase.START, "daemon", "connection refused"))
    with pytest.raises(CellError, match="connection refused"):
        cards.ask(IMAGE, gone, Limits())


def test_the_machine_is_asked_once_a_run_and_asking_is_bounded():
    engine = Given()
    answer = once(now(engine))
    assert (answer(IMAGE), answer(IMAGE)) == (CARD, CARD)
    (task,) = engine.tasks
    assert task.gpus
    assert task.limits.cell_seconds == task.limits.silence_seconds == cards.SECONDS


def test_a_hanging_nvidia_smi_means_no_gpu():
    class Hanging(Given):
        def run(self, reference, task, on_line):
            return Exit(code=None, seconds=cards.SECONDS, timed_out=True)

    assert cards.ask(IMAGE, Hanging(), Limits()) == ""
