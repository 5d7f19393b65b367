"""Warm parents, seen from the supervisor: starting them, asking them for forks, noticing their end.

Standard library only, CPython 3.6 to 3.14.
"""

import binascii
import collections
import os
import time

import places
import processes
import results
import warm
from lanes import ALONE, Wait

Forked = collections.namedtuple("Forked", "pid status refused")
"""A fork as its warm parent tells of it: process id, wait status once it ended, or why there is none."""
UNTOLD = Forked(None, None, "")


def token():
    """What nobody guesses: names a request, or a result as that of the process that was asked for it."""
    return binascii.hexlify(os.urandom(16)).decode("ascii")


class Process(object):
    """A process that imports and runs probes: how it can be read, and what it has told so far.

    `base` is the warm parent it was forked from, which then tells how it ended, `tag` what that fork was asked with.
    Whatever it tells anybody of its user may have written; what does not fit is not heard.
    """

    def __init__(self, place, needs, files):
        self.place = place
        self.needs = needs
        self.files = files
        self.requests = place.pipes["requests"]
        self.answers = processes.Lines(place.pipes["answers"], results.SIZE)
        self.pid = None
        self.base = None
        self.tag = ""
        self.importing = ""
        self.imported = None
        self.failed = None
        self.warnings = []
        self.unread = {}  # probe file → why it can't be read
        self.forks = {}  # tag of a request → Forked
        self.closed = False

    @property
    def output(self):
        return self.place.output

    def listen(self):
        """Takes in what it has told by now."""
        if not self.closed:
            self.answers.pump()
        for line in self.answers.take():
            try:
                self._hear(results.document(line))
            except results.Invalid:  # cut by a death in the middle of a line, or nothing of ours
                continue

    def _hear(self, said):
        if not isinstance(said, dict):
            raise results.Invalid("it is no object")
        if isinstance(said.get("for"), str) and said["for"] in self.forks:
            self._hear_fork(said)
        elif self.imported is None and self.failed is None:
            self._hear_import(said)

    def _hear_import(self, said):
        if said.get("importing") in self.needs:
            self.importing = said["importing"]
        elif said.get("unread") in self.files:
            found = results.exception(said.get("why"))
            self.unread[said["unread"]] = "%s: %s" % (found["type"], found["message"])
        elif "failed" in said:
            failed = results.outcome(said["failed"])
            if failed["ended"] == "raised":
                self.failed = dict(failed, within="import " + self.importing)
        elif "imported" in said:
            self.warnings = results.warnings(said.get("warnings"))
            self.imported = results.imported(said["imported"], self.needs)

    def _hear_fork(self, said):
        """A fork's id once, and how it ended once; an id that may be somebody else's is not taken."""
        known = self.forks[said["for"]]
        pid, status = said.get("pid"), said.get("status")
        if known == UNTOLD and isinstance(said.get("refused"), str):
            self.forks[said["for"]] = known._replace(refused=results.text(said["refused"], 300))
            return
        if not results.number(pid, 2, 2**31) or known.pid not in (None, pid):
            raise results.Invalid("it is no process")
        if known.pid is None and any(pid == fork.pid and fork.status is None for fork in self.forks.values()):
            raise results.Invalid("it is another's process")
        ended = status if results.number(status, 0, 65535) and known.status is None else known.status
        self.forks[said["for"]] = Forked(pid, ended, "")

    def expect(self, tag):
        """From here on a fork is told of by `tag`."""
        self.forks[tag] = UNTOLD

    def fork(self, tag):
        """What is known of the fork that was asked for with `tag`."""
        return self.forks.get(tag, UNTOLD)

    def ask(self, *texts):
        """Tells the process what to do. Returns whether it could be told: a process that reads is never behind."""
        line = warm.fields(*texts)
        try:
            return os.write(self.requests, line) == len(line)
        except OSError:
            return False

    def close(self, beat):
        """Lets go of everything of an ended process. Returns the end of what it printed."""
        self.closed = True
        os.close(self.requests)
        self.answers.close()
        return self.place.close(beat)


class Parents(object):
    """The warm parents of a plan, one per set of needs. Generators yield what they wait for (`lanes`).

    Where another has imported the first of the needs already, the new one is forked from it and imports the rest.
    """

    def __init__(self, nursery, import_seconds, files):
        self.nursery = nursery
        self.files = files  # needs → probe files that its probes are in
        self.import_seconds = import_seconds
        self.ready = {}  # needs → Process
        self.failures = {}  # needs → fields of the `ended` event of each probe that needed them
        self.starting = set()
        self.doubtful = {}  # needs → how a warm parent with them died while other probes ran
        self.done = set()

    def get(self, needs):
        """A warm parent that is ready, or None where these needs can't be imported (`failures` says how)."""

        def free():
            return not any(n == needs or (n and n == needs[: len(n)]) for n in self.starting)

        yield Wait(free, float("inf"), [])
        if needs in self.ready and self.nursery.gone(self.ready[needs]):
            self.drop(needs)
        if not self._known(needs) and needs not in self.doubtful:
            self.starting.add(needs)
            try:
                fields = yield from self._start(needs)
            finally:
                self.starting.discard(needs)
            if fields is not None and fields["ended"] in results.DIED:
                self.doubtful[needs] = results.words(fields)
            elif fields is not None:
                self._fail(needs, fields)
        if not self._known(needs):
            # A death may be a neighbour's doing: what happens with nobody beside is what counts.
            yield ALONE
        if not self._known(needs):
            fields = yield from self._start(needs)
            if fields is not None:
                self._fail(needs, dict(fields, first=self.doubtful[needs]))
        self.doubtful.pop(needs, None)
        return self.ready.get(needs)

    def _known(self, needs):
        return needs in self.ready or needs in self.failures

    def _fail(self, needs, fields):
        """From here on this is how probes with these needs end; the parent's event has the seconds, they took none."""
        self.failures[needs] = dict(fields, seconds=0.0)

    def _start(self, needs):
        """Starts a warm parent. Returns None when it is ready, else how it failed, as fields of `ended`."""
        started = time.monotonic()
        parent = yield from self._begun(needs)
        self.ready[needs] = parent
        fields = yield from self.import_all(parent)
        about = {"needs": list(needs), "seconds": round(time.monotonic() - started, 3)}
        emit = self.nursery.channel.emit
        if fields is None:
            emit("parent", state="ready", imports=parent.imported, pid=parent.pid, warnings=parent.warnings, **about)
            return None
        fields["output"] = self.drop(needs)
        emit("parent", state="failed", **dict(fields, **about))
        return fields

    def _begun(self, needs):
        """A process that imports `needs`, forked from a warm parent that has some of them already, or started anew."""
        parent = self.nursery.process(needs, self.files.get(needs, ()))
        base, tag = self._base(needs), token()
        if base is not None and base.ask(warm.PARENT, parent.place.path, tag):
            base.expect(tag)

            def done():
                base.listen()
                return base.fork(tag) != UNTOLD or self.nursery.gone(base)

            yield Wait(done, time.monotonic() + self.nursery.grace, [base.answers])
            pid = base.fork(tag).pid
            if pid is not None and self.nursery.take(pid, base.pid):
                parent.pid, parent.base, parent.tag = pid, base, tag
            else:  # whoever comes to it late finds nobody there
                parent.close(self.nursery.channel.beat)
                parent = self.nursery.process(needs, parent.files)
        if parent.pid is None:
            self.nursery.start(parent, unbuffered=True)
        parent.ask(warm.SERVE, ",".join(parent.files), ",".join(needs))
        return parent

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
        fields = results.classify(process.failed, in_time, cut, self.nursery.stopped(process), before)
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
        return parent.close(self.nursery.channel.beat)


class Nursery(object):
    """Where processes are started, waited for and killed; `alive` are those that a killing must leave alone.

    `command` starts a process of probes, in the environment `variables`.
    """

    def __init__(self, channel, deadline, grace, command):
        self.channel = channel
        self.deadline = deadline
        self.grace = grace
        self.interpreter, self.program, self.variables = command
        self.reaper = processes.Reaper()
        self.alive = set()
        self.work = []
        self.made = 0

    def place(self, *pipes):
        """A new directory with named pipes; where they are all in is made anew if somebody has taken that away."""
        for attempt in range(3):
            if not self.work or attempt:
                self.work.append(os.path.join(os.environ.get("TMPDIR", "/tmp"), "probes-" + token()[:8]))
                os.mkdir(self.work[-1], 0o700)
            self.made += 1
            try:
                return places.Place(os.path.join(self.work[-1], str(self.made)), pipes)
            except OSError:
                if attempt == 2:
                    raise

    def process(self, needs, files):
        """A process that is yet to be started, with a place of its own."""
        return Process(self.place("requests", "answers"), needs, files)

    def until(self, seconds):
        """(deadline, whether the cell's budget sets it)."""
        limit = time.monotonic() + seconds
        return (self.deadline, True) if self.deadline < limit else (limit, False)

    def start(self, process, unbuffered):
        """Starts a process with the environment's interpreter."""
        command = [self.interpreter] + ["-u"] * unbuffered + [self.program, process.place.path]

        def body():
            processes.set_apart(os.path.join(process.place.path, "output"))
            os.chdir(process.place.path)
            os.execve(command[0], command, self.variables)

        process.pid = processes.fork(body, self.reaper, self.grace)
        self.alive.add(process.pid)

    def take(self, pid, parent):
        """Whether `pid`, as it was told, is one that `parent` has forked, and nobody's yet; then it is left alone."""
        found = processes.look(pid)
        if found is None or found.parent != parent or pid in self.alive:
            return False
        self.alive.add(pid)
        return True

    def gone(self, process):
        return process.closed or self._status(process) is not None or bool(process.base and self.gone(process.base))

    def stopped(self, process):
        """How a process ended, as fields of `ended`."""
        status = self._status(process)
        return {"ended": "signal"} if status is None else results.stopped_by(status)

    def _status(self, process):
        """The wait status of a process that ended; what another one forked, that one tells."""
        if process.base is None:
            return self.reaper.statuses.get(process.pid)
        process.base.listen()
        return process.base.fork(process.tag).status

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

    def close(self):
        processes.kill_tree(self.alive, (), self.reaper, self.grace)
        for work in self.work:
            places.remove(work, self.channel.beat)
