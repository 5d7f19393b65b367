from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from builders import LEN, MATRIX, SURGEON_CHECKS, cell, failed, import_failed, judged, lock, ran

from orchestrator.insight.traceback import exceptions
from orchestrator.insight.why import Match, packages, raised_by, why
from orchestrator.model import Distribution, Frame, Raised
from orchestrator.report import why as report

MESSAGE = (
    "Keras symbolic inputs/outputs do not implement `__len__`. You may be trying to pass Keras symbolic "
    "inputs/outputs to a TF API that does not register dispatching."
)
PLAIN = f"""\
Traceback (most recent call last):
  File "prune.py", line 12, in <module>
    model = delete_channels(model, layer, [0])
  File "/home/me/env/lib/python3.7/site-packages/kerassurgeon/operations.py", line 105, in delete_channels
    return surgeon.operate()
  File "/home/me/env/lib/python3.7/site-packages/tensorflow/python/keras/engine/keras_tensor.py", line 219, in __len__
    raise TypeError('Keras symbolic inputs/outputs do not '
TypeError: {MESSAGE}
"""
IPYTHON_7 = f"""\
---------------------------------------------------------------------------
TypeError                                 Traceback (most recent call last)
<ipython-input-5-1a2b3c> in <module>
      1 from kerassurgeon.operations import delete_channels
----> 2 new = delete_channels(model, model.layers[2], [0])

~/env/lib/python3.7/site-packages/kerassurgeon/operations.py in delete_channels(model, layer, channels)
--> 105     return surgeon.operate()

~/env/lib/python3.7/site-packages/tensorflow/python/keras/engine/keras_tensor.py in __len__(self)
--> 219     raise TypeError('Keras symbolic inputs/outputs do not '

TypeError: {MESSAGE}
"""
IPYTHON_8 = f"""\
\x1b[0;31m---------------------------------------------------------------------------\x1b[0m
\x1b[0;31mTypeError\x1b[0m                                 Traceback (most recent call last)
Cell In[3], line 2
      1 from kerassurgeon.operations import delete_channels
----> 2 new = delete_channels(model, model.layers[2], [0])

File ~/env/lib/python3.11/site-packages/kerassurgeon/operations.py:105, in delete_channels(model, layer)
--> 105     return surgeon.operate()

File ~/env/lib/python3.11/site-packages/tensorflow/python/keras/engine/keras_tensor.py:219, in __len__(self)
--> 219     raise TypeError('Keras symbolic inputs/outputs do not '

\x1b[0;31mTypeError\x1b[0m: {MESSAGE}
"""
PYTEST = f"""\
prune.py:12: in test_prune
    model = delete_channels(model, layer, [0])
/env/lib/python3.7/site-packages/kerassurgeon/operations.py:105: in delete_channels
    return surgeon.operate()
/env/lib/python3.7/site-packages/tensorflow/python/keras/engine/keras_tensor.py:219: in __len__
    raise TypeError('Keras symbolic inputs/outputs do not '
E   TypeError: {MESSAGE}
"""
CHAINED = """\
Traceback (most recent call last):
  File "/env/lib/python3.7/site-packages/kerassurgeon/surgeon.py", line 5, in <module>
    from keras.engine.topology import Node
ImportError: cannot import name 'Node' from 'keras.engine.topology' (/env/keras/engine/topology.py)

{link}

Traceback (most recent call last):
  File "prune.py", line 9, in <module>
    raise RuntimeError("no surgeon here")
RuntimeError: no surgeon here
"""


def seen(raised=LEN, of=None, within="surgeon.delete_channels"):
    return ran(of or cell(), *(failed(n, raised, within) for n in ("surgeon.dense", "surgeon.conv")))


def asked(text, *records):
    cells = judged(records or (seen(), ran(cell("2.3.4"))))
    found = raised_by(cells)
    return why(exceptions(text, packages(found)), found, cells, MATRIX)


# ---------------------------------------------------------------- reading what people paste


@pytest.mark.parametrize(
    "text", [PLAIN, IPYTHON_7, IPYTHON_8, PYTEST], ids=["python", "ipython 7", "ipython 8", "pytest"]
)
def test_every_usual_form_gives_type_message_and_the_libraries_frames(text):
    (found,) = exceptions(text)
    assert (found.type, found.readings[0]) == ("TypeError", MESSAGE)
    libraries = [(f.file, f.function) for f in found.frames if not f.file.startswith("probes/")]
    assert libraries == [
        ("kerassurgeon/operations.py", "delete_channels"),
        ("tensorflow/python/keras/engine/keras_tensor.py", "__len__"),
    ]


@pytest.mark.parametrize(
    "around",
    ["> {}", ">> {}", "2026-11-20T01:02:03.456Z {}", "2026-11-20 01:02:03,456 ERROR: {}", "worker_1  | {}", "    {}"],
)
def test_what_stands_before_every_line_is_left_out(around):
    text = "".join(f"{around.format(line)}\n" for line in PLAIN.splitlines())
    assert exceptions(text) == exceptions(PLAIN)


def test_windows_line_ends_and_paths_read_as_others():
    text = PLAIN.replace("/home/me/env/lib/python3.7/", "C:\\Users\\me\\env\\Lib\\").replace("\n", "\r\n")
    (found,) = exceptions(text)
    assert [f.file.split("/")[-1] for f in found.frames] == ["prune.py", "operations.py", "keras_tensor.py"]
    (found,) = exceptions("ImportError: cannot import name 'a' from 'b' (C:\\env\\Lib\\site-packages\\b.py)")
    assert found.readings[0] == "cannot import name 'a' from 'b' (C:/env/Lib/site-packages/b.py)"


@pytest.mark.parametrize(
    "link",
    [
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    ],
)
def test_each_of_a_chain_is_read(link):
    found = exceptions(CHAINED.format(link=link))
    assert [e.type for e in found] == ["ImportError", "RuntimeError"]
    assert "no surgeon here" in found[1].readings


def test_a_message_of_several_lines_has_a_reading_to_its_first_gap_and_one_of_its_first_line():
    text = PLAIN.replace(MESSAGE, "one\ntwo\n\nthree")
    assert exceptions(text)[0].readings == ("one two  three", "one two", "one")


def test_what_python_adds_to_a_message_is_taken_off_in_one_reading():
    (found,) = exceptions("AttributeError: module 'keras' has no attribute 'layer'. Did you mean: 'layers'?")
    assert "module 'keras' has no attribute 'layer'" in found.readings


@pytest.mark.parametrize(
    "text",
    [
        f"TypeError: {MESSAGE}",
        f"Hello, this fails:\n\nTypeError: {MESSAGE}\n\nAny ideas?",
        f"when I run it I get TypeError: {MESSAGE}",
    ],
)
def test_a_bare_error_line_will_do(text):
    (found,) = exceptions(text)
    assert found.type == "TypeError" and MESSAGE in found.readings


@pytest.mark.parametrize(
    "text",
    ["", "hello", "What is TypeError?", "Traceback (most recent call last):", "note: see docs", "\0"],
)
def test_a_text_without_an_exception_has_none(text):
    assert exceptions(text) == ()


def test_a_library_in_a_checkout_is_a_library_where_it_is_known():
    text = PLAIN.replace("/home/me/env/lib/python3.7/site-packages/", "/home/me/keras-surgeon/")
    assert exceptions(text)[0].frames[1].file == "probes/operations.py"
    assert exceptions(text, {"kerassurgeon"})[0].frames[1].file == "kerassurgeon/operations.py"


def test_a_type_is_known_by_its_last_part_and_the_python_by_its_paths():
    (found,) = exceptions(PLAIN.replace("TypeError:", "tensorflow.python.framework.errors_impl.TypeError:"))
    assert (found.type.rsplit(".", 1)[-1], found.python) == ("TypeError", "3.7")


def test_many_equal_exceptions_of_a_log_are_one():
    assert len(exceptions(PLAIN * 200)) == 1


# ---------------------------------------------------------------- naming the finding


def test_type_message_and_place_make_it_the_same_error():
    found = asked(PLAIN)
    assert (found.match, found.seen_place) == (Match.SAME, "keras_tensor.py:__len__")
    assert (found.hit.cell, found.probe) == (cell(), "surgeon.dense")
    assert [j.cell for j in found.nearest] == [cell("2.3.4")]


def test_names_shapes_and_addresses_do_not_matter():
    raised = replace(LEN, message="Input of dense_7 at 0x7f00aa is (None, 28, 28), not <KerasTensor: shape=(None, 4)>")
    text = PLAIN.replace(MESSAGE, "Input of dense_1 at 0x7faa12 is (None, 3, 9), not <KerasTensor: shape=(None, 12)>")
    assert asked(text, seen(raised)).match is Match.SAME


def test_a_bare_message_is_matched_without_its_place_and_so_said():
    found = asked(f"TypeError: {MESSAGE}")
    assert (found.match, found.pasted_place) == (Match.MESSAGE, "")
    assert "the text names no place, here it is raised at keras_tensor.py:__len__" in " ".join(
        report.render(found, {}).split()
    )


def test_a_line_broken_by_a_terminal_still_matches():
    assert (
        asked("TypeError: " + MESSAGE.replace(" be ", " be\n         ").replace("trying", "try\ning")).match
        is Match.MESSAGE
    )


def test_the_same_message_from_elsewhere_says_so():
    text = PLAIN.replace("tensorflow/python/keras/engine/keras_tensor.py", "other/thing.py").replace(
        "kerassurgeon", "third"
    )
    found = asked(text)
    assert (found.match, found.pasted_place, found.way) == (Match.MESSAGE, "thing.py:__len__", "")
    assert "not at thing.py:__len__: the cause may differ" in " ".join(report.render(found, {}).split())


def test_a_traceback_that_ends_sooner_on_the_same_way_says_where_both_go():
    lines = PLAIN.splitlines()
    found = asked("\n".join([*lines[:5], lines[-1]]))
    assert (found.match, found.way) == (Match.MESSAGE, "operations.py:delete_channels")


def test_a_short_message_needs_its_place():
    raised = Raised(type="KeyError", message="'x'", frames=(Frame(file="kerassurgeon/a.py", line=1, function="f"),))
    frame = '  File "/e/site-packages/kerassurgeon/a.py", line 9, in f'
    text = f"Traceback (most recent call last):\n{frame}\n    x\nKeyError: 'x'\n"
    assert asked(text, seen(raised)).match is Match.SAME
    assert asked("KeyError: 'x'", seen(raised)) is None


def test_another_type_is_another_error():
    assert asked(f"ValueError: {MESSAGE}") is None


def test_a_message_that_begins_the_same_is_not_called_the_same():
    raised = replace(
        LEN, type="ImportError", message="cannot import name 'Node' from 'keras.engine.topology' (/a/b.py)"
    )
    found = asked("ImportError: cannot import name 'Node'", seen(raised))
    assert found.match is Match.BEGINNING and not found.match.seen
    assert "Not seen exactly, but an error that begins the same" in report.render(found, {})


def test_only_a_really_close_message_is_offered_and_said_to_be_no_match():
    close = "Layer Dense expected one tensor as its input, got the number two"
    found = asked(f"TypeError: {close}", seen(replace(LEN, message=close.replace("two", "six"))))
    assert found.match is Match.SIMILAR
    assert "Not seen. The closest by its message" in report.render(found, {})
    assert asked("TypeError: Layer Dense is not what was wanted", seen(replace(LEN, message=close))) is None


def test_the_cause_in_a_chain_is_found_where_its_end_is_somebodys_own():
    raised = Raised(
        type="ImportError",
        message="cannot import name 'Node' from 'keras.engine.topology' (/opt/keras/engine/topology.py)",
        frames=(Frame(file="kerassurgeon/surgeon.py", line=5, function="<module>"),),
    )
    record = ran(cell(), *(import_failed(n, raised, "kerassurgeon") for n in SURGEON_CHECKS))
    text = CHAINED.format(link="During handling of the above exception, another exception occurred:")
    found = asked(text, record)
    assert (found.match, found.pasted.type) == (Match.SAME, "ImportError")
    assert "The text ends in another error, which matches less well: RuntimeError" in report.render(found, {})


def test_an_exception_that_led_to_the_one_seen_is_its_cause():
    text = CHAINED.format(link="The above exception was the direct cause of the following exception:")
    raised = Raised(type="RuntimeError", message="no surgeon here", text=text)
    found = asked(text.split("\n\n", maxsplit=1)[0], seen(raised))
    assert found.match is Match.CAUSE and found.match.seen


def test_of_cells_that_have_it_one_on_the_pasted_python_is_shown():
    records = [seen(of=cell(python=p)) for p in ("3.9", "3.7", "3.11")]
    assert asked(PLAIN, *records).hit.cell.python == "3.7"
    assert asked(PLAIN.replace("python3.7", "python3.11"), *records).hit.cell.python == "3.11"


def test_behaviours_and_unproven_checks_are_evidence_too():
    record = ran(cell(), failed("surgeon.sample"))
    found = asked(PLAIN, record)
    assert (found.probe, found.scope.behaviours) == ("surgeon.sample", 1)
    assert "1 behaviour in 1 combination" in report.render(found, {})


def test_controls_are_no_evidence():
    assert asked(PLAIN, ran(cell(), failed("control.passes"))) is None


def test_other_findings_that_fit_nearly_are_named():
    other = replace(LEN, message=MESSAGE.replace("pass Keras", "pass TF-Keras"))
    found = asked(PLAIN, seen(), seen(other, cell("2.15.1")))
    assert found.match is Match.SAME
    assert ["TF-Keras" in f.signature for f in found.also] == [True]


def test_pins_that_differ_between_a_hit_and_the_nearest_without_it_are_told():
    def pinned(record, **pins):
        made = (Distribution(name=n, version=v, filename="x.whl", sha256="a") for n, v in pins.items())
        return replace(record, lock=replace(lock(), distributions=tuple(made)))

    found = asked(
        PLAIN, pinned(seen(), abc="1", tensorflow="2.4.1"), pinned(ran(cell("2.3.4")), abc="2", tensorflow="2.3.4")
    )
    assert found.differing == (("tensorflow", "2.4.1", "2.3.4"), ("abc", "1", "2"))
    text = report.render(found, {cell("2.3.4").id: "8f17"})
    assert "   tensorflow  2.4.1 → 2.3.4\n   abc         1 → 2\n" in text
    assert "compat pins 8f17" in text


def test_without_any_cell_that_passes_that_is_said():
    text = report.render(asked(PLAIN, seen()), {})
    assert "No combination ran the same probes without it." in text
    assert "compat pins" not in text


@pytest.mark.parametrize("width", [40, 80])
def test_the_text_fits_its_width(width):
    ids = {cell().id: "5ab9", cell("2.3.4").id: "8f17"}
    text = report.render(asked(PLAIN), ids, width=width)
    assert max(map(len, text.splitlines())) <= width


def test_the_document_says_what_is_known_and_null_where_nothing_is():
    made = json.loads(report.document(asked(PLAIN), exceptions(PLAIN)[-1]))
    assert (made["seen"], made["match"], made["hit"]["cell"]) == (True, "same", cell().id)
    made = json.loads(report.document(None, exceptions(PLAIN)[-1]))
    assert (made["seen"], made["match"], made["finding"]) == (False, None, None)
    assert made["pasted"] == {"type": "TypeError", "message": MESSAGE}


def test_unseen_says_how_much_was_tried_and_how_to_try_more():
    text = report.unseen(exceptions(PLAIN)[-1], 35, MATRIX)
    assert "in the 35 combinations" in " ".join(text.split())
    assert "compat try tensorflow==VERSION kerassurgeon==VERSION" in " ".join(text.split())
    assert "nothing has run yet" in report.unseen(exceptions(PLAIN)[-1], 0, MATRIX)


@pytest.mark.parametrize(
    "text",
    [
        "/" + "a." * 100_000,
        "A" * 300_000,
        "Traceback (most recent call last):\n" * 20_000,
        "\n\n".join(["A.b: c"] * 20_000),
    ],
    ids=["dots", "letters", "heads", "lines"],
)
def test_a_hostile_text_is_read_in_no_time(text):
    before = time.monotonic()
    exceptions(text)
    assert time.monotonic() - before < 5
