"""Lets TensorFlow search for its GPU libraries, with the stand-in as driver, and records what the loader did.

Standard library only, CPython 3.6 to 3.14; glibc, whose loader writes the trace (`man 8 ld.so`, LD_DEBUG).
"""

import collections
import json
import os
import re
import shutil
import sys
import tempfile

import bounded
import loader_trace

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "ask.py")
DRIVER = "libcuda.so.1"
HIDES = "CUDA_VISIBLE_DEVICES"
MOST_LINES = 60
LONGEST = 1000

# "2024-01-01 00:00:00.000000: W tensorflow/…/gpu_device.cc:1] …", and since 2.16 also absl's own form
# "W0000 00:00:1700000000.000000    1234 gpu_device.cc:1] …"
SAYS = re.compile(
    r"(?P<level>[IWEF])(?:\d{4} [\d:.]+ +\d+)? "
    r"(?P<file>\S*(?:dso_loader|cuda_|gpu_|nvml|nvptx|cudart|stream_executor|tensorrt|trt|platform_)[^ :]*\.cc:\d+\])"
    r" (?P<text>.*)"
)
NOISE = re.compile(r"NUMA node|Unable to register cu\w+ factory")
"""Lines that say nothing about libraries: where a bus is, and what newer releases register twice."""

Answer = collections.namedtuple("Answer", "registered said trace mapped release build trouble")
"""`registered` "registered", "skipped", "crashed" or "unknown"; `mapped` real paths in memory at the end; `trouble`
what kept it from answering, "" where it answered."""


class Terms:
    """What every search in one environment shares: the driver, a folder for files, and when to stop."""

    def __init__(self, stand_in, work, deadline):
        self.work = work
        self.deadline = deadline
        self.driver_folder = _driver_folder(stand_in, work) if stand_in else ""

    def environment(self, folders=(), variables=None):
        """The variables of a process that looks in `folders` before what the environment itself says."""
        env = dict(os.environ)
        given = [self.driver_folder, *folders, env.get("LD_LIBRARY_PATH", "")]
        env["LD_LIBRARY_PATH"] = ":".join(folder for folder in given if folder)
        if not env["LD_LIBRARY_PATH"]:
            del env["LD_LIBRARY_PATH"]
        env.pop("LD_DEBUG", None)
        if self.driver_folder:
            env.pop(HIDES, None)
        env.update(variables or {})
        return env


def search(terms, folders=(), variables=None):
    """TensorFlow's own search, with `folders` put on the loader's path before the environment's own. An `Answer`."""
    place = tempfile.mkdtemp(prefix="search-", dir=terms.work)
    try:
        return _search(terms, place, terms.environment(folders, variables))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _search(terms, place, env):
    answered = os.path.join(place, "answer.json")
    trace = os.path.join(place, "trace")
    env = dict(env, LD_DEBUG="libs,files", LD_DEBUG_OUTPUT=trace, TF_CPP_MIN_LOG_LEVEL="0")
    ended = bounded.run([sys.executable, PROGRAM, answered], env, os.path.join(place, "log"), terms.deadline)
    told = _read_answer(answered)
    registered, trouble = _outcome(ended, told)
    return Answer(
        registered=registered,
        said=[_without(line, terms.driver_folder) for line in said(ended.output)],
        trace=_read_trace("%s.%d" % (trace, ended.pid)),
        mapped=set(told.get("mapped", ())),
        release=told.get("release", ""),
        build=told.get("build", {}),
        trouble=trouble,
    )


def said(output):
    """TensorFlow's lines about GPUs, without their time stamps, each once and in order."""
    lines = []
    for line in output.splitlines():
        found = SAYS.search(line)
        if found and not NOISE.search(line):
            text = "%s %s %s" % (found.group("level"), found.group("file"), found.group("text"))
            if text[:LONGEST] not in lines:
                lines.append(text[:LONGEST])
    return lines[:MOST_LINES]


def _without(line, folder):
    """A line in which TensorFlow prints the loader's path, without the stand-in's folder on it."""
    return line.replace(folder + ":", "").replace(folder, "") if folder else line


def _outcome(ended, told):
    """(registered, trouble) of a process that has ended."""
    if ended.timed_out:
        return "unknown", "TensorFlow had not answered when the time was up"
    if "error" in told:
        return "unknown", "TensorFlow raised %s" % told["error"][:LONGEST]
    if "devices" in told:
        return ("registered" if told["devices"] else "skipped"), ""
    words = [line for line in ended.output.splitlines() if line.strip() and not NOISE.search(line)][-3:]
    return "crashed", "the process ended with %s: %s" % (bounded.describe(ended.code), " / ".join(words)[:LONGEST])


def _read_answer(path):
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):  # the process ended before it could answer
        return {}


def _read_trace(path):
    try:
        with open(path, errors="replace") as lines:
            return loader_trace.parse(lines)
    except OSError:  # a loader that knows no LD_DEBUG, or a process that never came to be
        return loader_trace.parse([])


def _driver_folder(stand_in, work):
    """A folder with the stand-in under a driver's name and nothing else."""
    folder = os.path.join(work, "driver")
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, DRIVER)
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(os.path.abspath(stand_in), link)
    return folder
