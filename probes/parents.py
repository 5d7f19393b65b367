"""Warm parents, seen from the supervisor: starting them, asking them for forks, noticing their end.

Standard library only, CPython 3.6 to 3.14.
"""

import collections
import json
import os
import shutil
import time

import processes
import warm
from lanes import Wait

Forked = collections.namedtuple("Forked", "pid status refused")
"""A fork as its warm parent tells of it: process id, wait status once it ended, or why there is none."""


class Process(object):
    """A process that imports and runs probes: how it can be read, and what it has told so far.

    `base` is the warm parent it was forked from, which then tells how it ended.
    """

    def __init__(self, pid, answers, output, directory, requests=None, base=None):
        self.pid = pid
        self.base = base
        self.answers = answers
        self.output = output
        self.directory = directory
        self.requests = requests
        self.importing = ""
        self.imported = None
        self.failed = None
        self.warnings = []
        self.forks = {}  # directory of a request → Forked
        self.closed = False

    def listen(self):
        """Takes in what it has told by now."""
        if not self.closed:
            self.answers.pump()
        for line in self.answers.take():
            try:
                said = json.loads(line.decode("ascii"))
            except ValueError:  # cut by a death in the middle of a line
                continue
            self.importing = said.get("importing", self.importing)
            self.imported = said.get("imported", self.imported)
            self.failed = said.get("failed", self.failed)
            self.warnings = said.get("warnings", self.warnings)
            if "for" in said:
                self.forks[said["for"]] = Forked(said.get("pid"), said.get("status"), said.get("refused", ""))

    def fork(self, directory):
        """What is known of the fork that was asked for with `directory`."""
        return self.forks.get(directory, Forked(None, None, ""))

    def ask(self, directory, **wanted):
        """Asks a warm parent for a fork; that it is gone shows when its answer is waited for."""
        try:
            os.write(self.requests, json.dumps(dict(wanted, directory=directory)).encode("ascii") + b"\n")
        except OSError:
            pass

    def close(self):
        """Lets go of everything of an ended process. Returns the end of what it printed."""
        self.closed = True
        if self.requests is not None:
            os.close(self.requests)
        self.answers.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        return self.output.close()


class Parents(object):
    """The warm parents of a plan, one per set of needs. Generators yield what they wait for (`lanes`).

    Where another has imported the first of the needs already, the new one is forked from it and imports the rest.
    """

    def __init__(self, nursery, import_seconds):
        self.nursery = nursery
        self.import_seconds = import_seconds
        self.ready = {}  # needs → Process
        self.failures = {}  # needs → fields of the `ended` event of each probe that needed them
        self.starting = set()
        self.done = set()

    def get(self, needs):
        """A warm parent that is ready, or None where these needs can't be imported (`failures` says how)."""

        def free():
            return not any(n == needs or (n and n == needs[: len(n)]) for n in self.starting)

        yield Wait(free, float("inf"), [])
        if needs in self.ready and self.nursery.gone(self.ready[needs]):
            self.drop(needs)
        if needs in self.ready or needs in self.failures:
            return self.ready.get(needs)
        self.starting.add(needs)
        try:
            fields = yield from self._start(needs)
            if fields is not None and fields["ended"] in warm.DIED:
                first = warm.words(fields)
                fields = yield from self._start(needs)
                if fields is not None:
                    fields["first"] = first
        finally:
            self.starting.discard(needs)
        if fields is None:
            return self.ready[needs]
        fields["seconds"] = 0.0  # the parent's event has them; its probes took none
        self.failures[needs] = fields
        return None

    def _start(self, needs):
        """Starts a warm parent. Returns None when it is ready, else how it failed, as fields of `ended`."""
        started = time.monotonic()
        parent = yield from self._forked(needs)
        pid = parent.pid
        self.nursery.alive.add(pid)
        self.ready[needs] = parent
        fields = yield from self.import_all(parent)
        about = {"needs": list(needs), "seconds": round(time.monotonic() - started, 3)}
        emit = self.nursery.channel.emit
        if fields is None:
            emit("parent", state="ready", imports=parent.imported, pid=pid, warnings=parent.warnings, **about)
            return None
        fields["output"] = self.drop(needs)
        emit("parent", state="failed", **dict(fields, **about))
        return fields

    def _forked(self, needs):
        """A process that imports `needs`, forked from a warm parent that has some of them already, or from here."""
        directory, output = self.nursery.place()
        requests, answers = os.path.join(directory, "requests"), os.path.join(directory, "answers")
        for path in (requests, answers):
            os.mkfifo(path, 0o600)
        # Opened for both, so that neither waits for the other end.
        told = processes.Lines(os.open(answers, os.O_RDWR | os.O_NONBLOCK))
        asked = os.open(requests, os.O_RDWR)
        base = self._base(needs)
        if base is not None:
            base.ask(directory, serve=needs)

            def done():
                base.listen()
                return base.fork(directory) != Forked(None, None, "") or self.nursery.gone(base)

            yield Wait(done, time.monotonic() + self.nursery.grace, [base.answers])
            if base.fork(directory).pid is not None:
                return Process(base.fork(directory).pid, told, output, directory, requests=asked, base=base)
        pid = self.nursery.fork(lambda: warm.parent(needs, directory))
        return Process(pid, told, output, directory, requests=asked)

    def _base(self, needs):
        """The ready warm parent that has imported most of what `needs` begins with, or None."""
        fitting = [n for n in self.ready if n and n == needs[: len(n)] and n != needs]
        alive = [n for n in fitting if not self.nursery.gone(self.ready[n])]
        return self.ready[max(alive, key=len)] if alive else None

    def import_all(self, process):
        """Waits for a process to import its needs. Returns None when it has, else how that failed."""
        before = processes.oom_kills()
        deadline, cut = self.nursery.until(self.import_seconds)

        def done():
            process.listen()
            return process.imported is not None or process.failed is not None or self.nursery.gone(process)

        in_time = yield Wait(done, deadline, [process.answers, process.output])
        process.listen()
        if process.imported is not None:
            return None
        self.nursery.kill([process.pid])
        fields = warm.classify(process.failed, in_time, cut, self.nursery.stopped(process), before)
        within = "import " + process.importing if process.importing else ""
        fields.update(phase="import", within=fields.get("within") or within)
        return fields

    def finish(self, needs):
        """No probe needs this parent any more: it is ended, as soon as none that was forked from it is left."""
        self.done.add(needs)
        if needs in self.ready and not any(p.base is self.ready[needs] for p in self.ready.values()):
            self.drop(needs)

    def drop(self, needs):
        """Ends a warm parent. Returns the end of what it printed."""
        parent = self.ready.pop(needs)
        self.nursery.end(parent)
        for other in [n for n, p in self.ready.items() if p is parent.base and n in self.done]:
            self.finish(other)
        return parent.close()


class Nursery(object):
    """Where processes are started, waited for and killed; `alive` are those that a killing must leave alone."""

    def __init__(self, channel, work, deadline, grace):
        self.channel = channel
        self.work = work
        self.deadline = deadline
        self.grace = grace
        self.reaper = processes.Reaper()
        self.alive = set()
        self.made = 0

    def place(self):
        """A new directory and the named pipe in it that takes what is printed."""
        self.made += 1
        directory = os.path.join(self.work, str(self.made))
        os.mkdir(directory)
        return directory, processes.Output(os.path.join(directory, "output"))

    def until(self, seconds):
        """(deadline, whether the cell's budget sets it)."""
        limit = time.monotonic() + seconds
        return (self.deadline, True) if self.deadline < limit else (limit, False)

    def fork(self, body):
        """Starts a child that runs `body` and ends. Returns its process id."""
        return processes.fork(body, self.reaper, self.grace)

    def gone(self, process):
        return process.closed or self._status(process) is not None or bool(process.base and self.gone(process.base))

    def stopped(self, process):
        """How a process ended, as fields of `ended`."""
        status = self._status(process)
        return {"ended": "signal"} if status is None else warm.stopped_by(status)

    def _status(self, process):
        """The wait status of a process that ended; what another one forked, that one tells."""
        if process.base is None:
            return self.reaper.statuses.get(process.pid)
        process.base.listen()
        return process.base.fork(process.directory).status

    def end(self, process):
        """Kills a process with all it started, and forgets it."""
        self.kill([process.pid])
        self.reaper.statuses.pop(process.pid, None)

    def kill(self, roots):
        """Kills `roots`, all they started and stray orphans; other probes and warm parents stay."""
        self.alive -= set(roots)
        if not processes.kill_tree(roots, self.alive, self.reaper, self.grace) and os.getpid() == 1:
            # Something forks faster than it can be found. In a container of its own everything else may go.
            processes.kill_everything(roots, self.reaper, self.grace)
