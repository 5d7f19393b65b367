"""The first process of a container: runs the probes of a plan and alone tells what happened.

    python supervisor.py PLAN.json      runs a plan; events are JSON lines on standard output
    python supervisor.py --catalogue    prints what every probe here says of itself, as one JSON document
    python supervisor.py --one DIR      runs one probe in this new process (started by itself only)

A plan's `expected` (the lock's pins, name to version) reaches probes as JSON in `COMPAT_EXPECTED`.

Standard library only, CPython 3.6 to 3.14. It keeps a copy of standard output for its events; what
probes and libraries print goes to pipes of their own, so that nothing of it can be mistaken for an event.
"""

import importlib
import json
import os
import signal
import sys
import tempfile
import traceback

_HERE = os.path.dirname(os.path.abspath(__file__))
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

import events  # noqa: E402 - found beside this file
import harness  # noqa: E402
import plans  # noqa: E402
import warm  # noqa: E402


class Stopped(BaseException):
    """A signal asked this process to end."""


def load(directory):
    """Imports every probe file of `directory`. Returns {file name: what was wrong} for those that can't be."""
    wrong = {}
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        for name in harness.probe_files(directory):
            known = set(harness.REGISTRY)
            try:
                importlib.import_module(name[:-3])
            except Exception as exception:
                for id in set(harness.REGISTRY) - known:
                    del harness.REGISTRY[id]
                wrong[name] = "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))
    finally:
        sys.dont_write_bytecode = before
    return wrong


def _catalogue():
    wrong = load(_HERE)
    if wrong:
        sys.stderr.write("".join(wrong[name] for name in sorted(wrong)))
        return 1
    sys.stdout.write(json.dumps(harness.catalogue(_HERE), indent=1, sort_keys=True) + "\n")
    return 0


def _cpu_flags():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("flags"):
                    return sorted(line.split(":", 1)[1].split())
    except OSError:
        pass
    return []


def _stop(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Stopped(number)


def _own_channel(plan):
    """The event channel on a copy of standard output; descriptors 0 and 1 then lead nowhere."""
    channel = events.Channel(os.dup(1), float(plan.get("heartbeat_seconds", 5)))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(nowhere, fd)
    os.close(nowhere)
    return channel


def _run(path):
    with open(path) as file:
        plan = json.load(file)
    os.environ.update({name: str(value) for name, value in plan.get("variables", {}).items()})
    os.environ["COMPAT_EXPECTED"] = json.dumps(plan.get("expected", {}), sort_keys=True)
    os.environ.pop("COMPAT_MUTATE", None)
    if plan.get("mutate"):
        os.environ["COMPAT_MUTATE"] = "1"
    os.environ["COMPAT_EXPECTED"] = json.dumps(plan.get("expected", {}), sort_keys=True)
    if plan.get("control_memory"):
        os.environ["COMPAT_CONTROL_MEMORY"] = str(int(plan["control_memory"]))
    channel = _own_channel(plan)
    channel.emit(
        "hello",
        python=events.python_version(),
        pid=os.getpid(),
        platform=" ".join(os.uname()),
        cpu_flags=_cpu_flags(),
        suite=plan.get("suite", ""),
    )
    work = tempfile.mkdtemp(prefix="probes-")
    runner = plans.Runner(plan, channel, work, os.path.abspath(__file__), load(_HERE))
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        runner.run()
        return 0
    except Stopped as stopped:
        return 128 + stopped.args[0]
    finally:
        runner.close()


def main(arguments):
    if arguments == ["--catalogue"]:
        return _catalogue()
    if len(arguments) == 2 and arguments[0] == "--one":
        load(_HERE)
        warm.one(arguments[1])
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(__doc__)
        return 2
    return _run(arguments[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
