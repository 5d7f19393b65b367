"""What a probe file imports: it says what a probe is, marks its one call in question and compares numbers.

Standard library only, CPython 3.6 to 3.14. A probe file looks like this:

    from harness import assert_close, check, expect, subject

    @check("surgeon.delete_channels.dense", "Can channels of a Dense layer be deleted?", source="seed 000",
           needs=("tensorflow", "kerassurgeon"))
    def delete_channels_dense():
        ...                                       # preparation: raising here is not the subject's fault
        with subject("surgeon.delete_channels"):  # the call in question and the proof that its result is right
            new = delete_channels(model, layer, [0, 2])
            assert_close(new.predict(x), expected, what="predictions")

A module is read by importing it: importing registers its probes and must do nothing else. A suite is listed without
importing it, so declarations are decorators of functions of the module, made of literals and constants. Data files that
its probes open are named in its `READS`, relative to the file's folder: they are sent along and count in the probes'
digests. All files lie beside each other in a container: a module imports its neighbours by their names alone.
"""

import math
import re

CHECK = "check"
BEHAVIOUR = "behaviour"
DRIFT = "drift"
CONTROL = "control"

HARNESS_FILES = (
    "alone.py", "supervisor.py", "catalogue.py", "channel.py", "child.py", "closed.py", "events.py", "harness.py",
    "lanes.py", "needs.py", "own.py", "parents.py", "places.py", "plans.py", "processes.py", "results.py",
    "sabotage.py", "warm.py",
)  # fmt: skip
"""Files that are the harness: a change in one makes every result anew, and leaves proofs standing. In a container they
lie in one folder with those of the suites.
"""

_ID = re.compile(r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")


class Skipped(BaseException):
    """Raised by `skip`; no Exception, so that a probe's own `except Exception` lets it through."""


class NoSubject(Exception):
    """A check came to its end without ever entering a `subject` block: it proved nothing."""


class Spec(object):
    """A registered probe. `expects` (controls only) is what must come out; `repeat` allows a fresh repetition.

    `light` marks a look-up that changes nothing in its process, so that many may share one fork.
    """

    __slots__ = (
        "id", "question", "kind", "source", "needs", "seconds", "fresh", "light", "expects", "repeat", "function",
        "file",
    )  # fmt: skip

    def __init__(self, **fields):
        for name in self.__slots__:
            setattr(self, name, fields[name])

    @property
    def group(self):
        return self.id.split(".")[0]


class _State(object):
    """What the running probe has done so far; one per process, reset by `begin`."""

    def __init__(self):
        self.entered = 0
        self.failed = None  # (exception, name of the subject block it left)


REGISTRY = {}
_state = _State()


def _register(kind, id, question, options):
    known = {
        "source": "",
        "needs": (),
        "seconds": None,
        "fresh": False,
        "light": False,
        "expects": None,
        "repeat": True,
    }
    strange = sorted(set(options) - set(known))
    if strange:
        raise TypeError("%s: unknown option %s" % (id, ", ".join(strange)))
    if not _ID.match(id):
        raise ValueError("%r is not a probe id: words joined by dots" % (id,))
    if id in REGISTRY:
        raise ValueError("two probes are called %s (%s)" % (id, REGISTRY[id].file))
    fields = dict(known)
    fields.update(options)
    if isinstance(fields["needs"], str):
        raise TypeError("%s: needs is a tuple of import names" % id)
    fields["needs"] = tuple(fields["needs"])

    def decorate(function):
        REGISTRY[id] = Spec(
            id=id, question=question, kind=kind, function=function, file=function.__code__.co_filename, **fields
        )
        return function

    return decorate


def check(id, question, **options):
    """A behaviour somebody relies on: passes when the function returns.

    Options: source, needs, seconds, fresh, light.
    """
    return _register(CHECK, id, question, options)


def behaviour(id, question, **options):
    """What happens, as a small JSON value that the function returns; neither good nor bad.

    An exception that leaves its subject block becomes the value {"raised": "TypeName"}.
    """
    return _register(BEHAVIOUR, id, question, options)


def drift(id, question, **options):
    """Numbers (a JSON value) from fixed weights and data, for comparison across cells."""
    return _register(DRIFT, id, question, options)


def control(id, question, **options):
    """A probe of the harness itself; `expects` is what must come out, `repeat=False` where it is meant to die."""
    return _register(CONTROL, id, question, options)


class subject(object):
    """Marks the call in question: what is raised inside is the subject's failure and carries `name`."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        _state.entered += 1
        return self

    def __exit__(self, kind, exception, traceback):
        known = _state.failed is not None and _state.failed[0] is exception
        # The innermost block an exception leaves is the one that names it.
        if exception is not None and not known and not isinstance(exception, Skipped):
            _state.failed = (exception, self.name)
        return False


def skip(reason):
    """Ends the probe without a result, with a reason people read ("no such argument before 2.4")."""
    raise Skipped(reason)


def expect(condition, message):
    """Raises AssertionError with `message` unless `condition` holds; inside a subject block: the subject's failure."""
    if not condition:
        raise AssertionError(message)


def _plain(value):
    """Nested lists of Python numbers from tensors, arrays, tuples and numbers."""
    if hasattr(value, "numpy") and not isinstance(value, type):
        value = value.numpy()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _shape(value):
    if not isinstance(value, list):
        return ()
    return (len(value),) + (_shape(value[0]) if value else ())


def _differences(actual, expected, rtol, atol, where, found):
    """Appends (difference, where, actual, expected) for each pair that is apart; ragged ones as an AssertionError."""
    if isinstance(actual, list) or isinstance(expected, list):
        if not isinstance(actual, list) or not isinstance(expected, list) or len(actual) != len(expected):
            raise AssertionError("ragged: at %s %r is not %r" % (where or "the top", _shape(actual), _shape(expected)))
        return sum(
            _differences(a, e, rtol, atol, "%s[%d]" % (where, i), found)
            for i, (a, e) in enumerate(zip(actual, expected))  # noqa: B905 - equal lengths; strict= is too new
        )
    if actual == expected:
        return 1
    if isinstance(actual, (int, float)) and isinstance(expected, (int, float)):
        if math.isnan(actual) and math.isnan(expected):
            return 1
        apart = abs(actual - expected)
        if not math.isinf(apart) and apart <= atol + rtol * abs(expected):
            return 1
    else:
        apart = float("inf")
    found.append((apart if apart == apart else float("inf"), where, actual, expected))
    return 1


def assert_close(actual, expected, rtol=1e-5, atol=1e-6, what="value"):
    """Raises AssertionError unless both have one shape and |actual - expected| <= atol + rtol * |expected| throughout.

    Takes numbers, nested lists and tuples, numpy arrays and eager tensors; NaN equals NaN.
    """
    actual, expected = _plain(actual), _plain(expected)
    if _shape(actual) != _shape(expected):
        raise AssertionError("%s: shape %r, expected %r" % (what, _shape(actual), _shape(expected)))
    found = []
    total = _differences(actual, expected, rtol, atol, "", found)
    if found:
        apart, where, got, wanted = max(found, key=lambda item: item[0])
        raise AssertionError(
            "%s: %d of %d differ, most at %s: %r, expected %r (apart by %.3g)"
            % (what, len(found), total, where or "the value itself", got, wanted, apart)
        )


# ---------------------------------------------------------------- for the supervisor


def begin():
    """Forgets what an earlier probe of this process did."""
    _state.entered = 0
    _state.failed = None


def within(exception):
    """Name of the subject block that `exception` left, or ""."""
    return _state.failed[1] if _state.failed is not None and _state.failed[0] is exception else ""


def call(spec):
    """Runs a probe's function in this process. Returns its value; raises what it raised.

    A check that never entered a subject block raises `NoSubject`: passing would mean nothing.
    """
    begin()
    value = spec.function()
    if spec.kind == CHECK and not _state.entered:
        raise NoSubject("%s never entered a subject block" % spec.id)
    return value
