"""Runs a published code sample that yields the name of each step before it takes it, and says how far it got."""

import contextlib
import io


class Caught(object):
    """An exception that the sample's own `except` caught; the sample yields it there."""

    def __init__(self, exception):
        self.name = type(exception).__name__


def how_far(sample):
    """Runs a generator function to its end. Returns a small value that says what happened:

    {"reached": "the end"}, or {"reached": STEP, "raised": TYPE} where STEP is the one that was being taken; with
    {"caught": TYPE, "at": STEP} added where the sample handled an exception itself. What it prints is not shown.
    """
    found = {"reached": "nothing"}
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            for step in sample():
                if isinstance(step, Caught):
                    found.update({"caught": step.name, "at": found["reached"]})
                else:
                    found["reached"] = step
        except Exception as error:
            found["raised"] = type(error).__name__
        else:
            found["reached"] = "the end"
    return found
