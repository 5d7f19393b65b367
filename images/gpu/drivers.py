"""Finds the oldest driver that a CUDA runtime accepts: the stand-in answers it as one version after another.

TensorFlow lists its device whatever the driver's version is (tried with 2.4.1 to 2.17.1); it is the runtime, libcudart,
that refuses one too old for it when it is first used, by the version that cuDriverGetVersion answers. Standard library
only, CPython 3.6 to 3.14.
"""

import os
import re
import sys

import bounded

VERSIONS = (10000, 10010, 11000, 11020, 11040, 11080, 12000, 12010, 12020, 12030, 12040, 12050, 13000)
"""What cuDriverGetVersion answers for CUDA 10.0 … 13.0: 1000 times the major number and 10 times the minor one."""

VARIABLE = "COMPAT_STAND_IN_DRIVER"
INSUFFICIENT = 35
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ask_runtime.py")


def oldest(accepts, versions=VERSIONS):
    """The lowest of `versions` that `accepts(version)`; None where it accepts all or none of them, or can't say.

    `accepts` answers True, False, or None for "can't say". It is taken for granted that what accepts a driver accepts
    every later one.
    """
    if accepts(versions[0]) is not False or accepts(versions[-1]) is not True:
        return None
    refused, accepted = 0, len(versions) - 1
    while accepted - refused > 1:
        middle = (refused + accepted) // 2
        told = accepts(versions[middle])
        if told is None:
            return None
        refused, accepted = (refused, middle) if told else (middle, accepted)
    return versions[accepted]


def text(version):
    """12050 → "12.5"; "" for None."""
    return "%d.%d" % (version // 1000, version % 1000 // 10) if version else ""


def accepting(terms, runtime):
    """A function of a driver's version: whether the library `runtime` accepts it, None where it can't say."""

    def accepts(version):
        log = os.path.join(terms.work, "ask-runtime.log")
        env = terms.environment(variables={VARIABLE: str(version)})
        ended = bounded.run([sys.executable, PROGRAM, runtime], env, log, terms.deadline)
        found = re.search(r"^cudaError (\d+)$", ended.output, re.MULTILINE)
        return int(found.group(1)) != INSUFFICIENT if found else None

    return accepts
