"""The first process of a container: runs the probes of a plan and alone tells what happened.

    python -I -S supervisor.py PLAN.json      runs a plan; events are JSON lines on standard output
    python -I -S supervisor.py --catalogue    prints what every probe here says of itself, as one JSON document

It runs on the interpreter that the environment was made from, with nothing of the environment, and is closed to other
processes of its user (`closed`). Processes of probes (`child`) run on the environment's own, the plan's `interpreter`,
with the plan's `variables`. A plan's `expected` (the lock's pins, name to version) reaches probes as JSON in
`COMPAT_EXPECTED`, its `loggers` in `COMPAT_LOGGERS`; `distributions` says which of them bring a module of another name.

Standard library only, CPython 3.6 to 3.14. It keeps a copy of standard output for its events; what
probes and libraries print goes to pipes of their own, so that nothing of it can be mistaken for an event.
"""

import json
import os
import signal
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

import closed  # noqa: E402 - found beside this file
import events  # noqa: E402
import plans  # noqa: E402
from channel import Channel  # noqa: E402


class Stopped(BaseException):
    """A signal asked this process to end."""


def _catalogue():
    import catalogue

    wrong = catalogue.load(_HERE)
    if wrong:
        sys.stderr.write("".join(wrong[name] for name in sorted(wrong)))
        return 1
    sys.stdout.write(json.dumps(catalogue.listed(), indent=1, sort_keys=True) + "\n")
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
    channel = Channel(os.dup(1), float(plan.get("heartbeat_seconds", 5)))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(nowhere, fd)
    os.close(nowhere)
    return channel


def _variables(plan):
    """The environment of processes of probes: this one's, and what a cell sets; that is never this one's."""
    found = dict(os.environ)
    found.update((name, str(value)) for name, value in plan.get("variables", {}).items())
    found["COMPAT_EXPECTED"] = json.dumps(plan.get("expected", {}), sort_keys=True)
    for name in ("COMPAT_LOGGERS", "COMPAT_MUTATE"):
        found.pop(name, None)
    if plan.get("loggers"):
        found["COMPAT_LOGGERS"] = ",".join(plan["loggers"])
    if plan.get("mutate"):
        found["COMPAT_MUTATE"] = "1"
    if plan.get("control_memory"):
        found["COMPAT_CONTROL_MEMORY"] = str(int(plan["control_memory"]))
    return found


def _listen_for_ends():
    """Ends when asked to. As the first process of a container it is never asked from inside: only who started the
    container ends it, and then with all that is in it; without handlers the kernel keeps other signals away.
    """
    first = os.getpid() == 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL if first else _stop)


def _read_files():
    import catalogue

    return catalogue.load(_HERE)


def _run(path):
    with open(path) as file:
        plan = json.load(file)
    plan.setdefault("interpreter", sys.executable)
    channel = _own_channel(plan)
    trouble = closed.shut(channel.fd)
    channel.emit(
        "hello",
        python=events.python_version(),
        pid=os.getpid(),
        platform=" ".join(os.uname()),
        cpu_flags=_cpu_flags(),
        suite=plan.get("suite", ""),
        closed=not trouble,
        open=trouble,
    )
    # What a plan says of its probes is what their files say; without that they are read here.
    runner = plans.Runner(plan, channel, _variables(plan), _read_files() if plan.get("specs") is None else {})
    _listen_for_ends()
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
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(__doc__)
        return 2
    return _run(arguments[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
