from __future__ import annotations

import time

import pytest
from builders import DESCRIPTORS, LEN
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model import Frame, Raised
from orchestrator.verdict.signature import normalise, signature, title


def test_one_defect_reached_through_different_calls_and_probes_has_one_signature():
    other = Raised(
        type=LEN.type,
        message=LEN.message,
        frames=(
            Frame(file="probes/surgeon_layers.py", line=99, function="insert"),
            Frame(file="kerassurgeon/surgeon.py", line=1, function="operate"),
            Frame(file="keras/engine/keras_tensor.py", line=7, function="__len__"),
        ),
    )
    assert signature(LEN, "surgeon.delete_channels") == signature(other, "surgeon.insert_layer")


def test_what_people_read_of_it_is_the_first_sentence():
    assert title(signature(LEN)) == "TypeError: Keras symbolic inputs/outputs do not implement `__len__`"
    assert title(signature(DESCRIPTORS)) == "TypeError: Descriptors cannot be created directly"


def test_a_different_innermost_frame_is_another_finding():
    elsewhere = Raised(type=LEN.type, message=LEN.message, frames=(Frame(file="numpy/core.py", line=1, function="f"),))
    assert signature(LEN) != signature(elsewhere)


def test_the_import_machinery_is_no_place():
    raised = Raised(
        type="ImportError",
        message="cannot import name 'x'",
        frames=(
            Frame(file="kerassurgeon/utils.py", line=3, function="<module>"),
            Frame(file="<stdlib>/importlib/__init__.py", line=3, function="import_module"),
            Frame(file="<frozen importlib._bootstrap>", line=3, function="_call"),
        ),
    )
    assert signature(raised).endswith("@ utils.py:<module>")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<Dense object at 0x7f00deadbeef>", "<Dense object at 0x7fa1cafe0000>"),
        ("No file /tmp/tmpab12/model.h5", "No file /tmp/tmpzz99/saved.h5"),
        ("tensor dense_3/BiasAdd:0 is gone", "tensor dense_17/BiasAdd:0 is gone"),
        ('Input 0 of layer "conv2d_4" is bad', 'Input 0 of layer "conv2d" is bad'),
        ("shapes (None, 4) and (2, 3)", "shapes (None, 8) and (5, 7)"),
        ("no ‘x’ here", "no 'x' here"),
        ("a\x1b[31m red\x1b[0m\n\nmessage", "a red message"),
        ("bad id 140203394", "bad id 140711111"),
    ],
)
def test_what_differs_from_run_to_run_is_no_difference(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shapes (2, 3)", "shapes (2, 3, 4)"),
        ("needs protobuf 3.20.3", "needs protobuf 4.21.0"),
        ("expected 2 inputs but got 1", "expected 3 inputs but got 1"),
        ("no attribute 'lr'", "no attribute 'decay'"),
    ],
)
def test_what_tells_causes_apart_stays(one, other):
    assert normalise(one) != normalise(other)


def test_what_keras_wraps_around_a_layers_error_is_taken_off():
    wrapped = (
        "Exception encountered when calling layer \"lambda_1\" (type Lambda).\n\nname 'tf' is not defined\n\n"
        'Call arguments received by layer "lambda_1" (type Lambda):\n  • inputs=tf.Tensor(shape=(None, 3))'
    )
    assert normalise(wrapped) == "name 'tf' is not defined"


def test_a_wrong_number_is_one_finding_per_call_whatever_the_number():
    def wrong(number: float) -> Raised:
        message = f"predictions: 3 of 12 differ, most at [0][{int(number)}]: {number!r}, expected 0.25"
        return Raised(type="AssertionError", message=message, frames=(Frame(file="probes/a.py", line=1, function="f"),))

    assert signature(wrong(1.5), "call.a") == signature(wrong(2.75), "call.a")
    assert signature(wrong(1.5), "call.a") != signature(wrong(1.5), "call.b")


@given(st.text(max_size=3000), st.text(max_size=40))
def test_any_message_becomes_one_short_printable_line(message, within):
    signed = signature(Raised(type="ValueError", message=message), within)
    assert len(signed) <= 300
    assert "\n" not in signed
    assert "\x1b" not in signed
    signed.encode()


@pytest.mark.parametrize(
    "piece", ["1", "[1", "(1, ", "/a", "0x1", "a_1", "Exception encountered when calling ", "\x1b]"]
)
def test_a_hostile_message_takes_no_time(piece):
    begun = time.process_time()
    normalise(piece * 20_000)
    normalise("[" + piece * 900)
    assert time.process_time() - begun < 1


def test_one_line_that_asks_many_kinds_of_object_for_what_none_has_is_one_cause():
    frame = Frame(file="kerassurgeon/utils.py", line=10, function="find_nodes")
    one, other = (
        signature(
            Raised(type="AttributeError", message=f"'{kind}' object has no attribute 'inbound_nodes'", frames=(frame,))
        )
        for kind in ("Dense", "Conv2D")
    )
    absent = Raised(
        type="AttributeError", message="'NoneType' object has no attribute 'inbound_nodes'", frames=(frame,)
    )
    assert one == other != signature(absent)
