"""Carries a plan out: warm parents, forks, fresh repetitions, limits, and one `ended` event for each probe.

Standard library only, CPython 3.6 to 3.14.
"""

import collections
import json
import os
import select
import shutil
import signal
import sys
import time
import traceback

import events
import harness
import needs as wanted
import processes
import warm

GRACE = 5.0
"""Seconds a killed process may take to be gone, and a warm parent to tell how its probe ended."""
DIED = ("signal", "timeout", "exited", "oom")


class Progress(object):
    """What a process that imports and runs probes has told so far, and how it can be read."""

    def __init__(self, pid, answers, output, directory):
        self.pid = pid
        self.answers = answers
        self.output = output
        self.directory = directory
        self.requests = None
        self.importing = ""
        self.imported = None
        self.failed = None
        self.warnings = []
        self.forget()

    def forget(self):
        self.probe_pid = None
        self.status = None
        self.unforked = ""

    def listen(self):
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
            self.probe_pid = said.get("pid", self.probe_pid)
            self.status = said.get("status", self.status)
            self.unforked = said.get("unforked", self.unforked)

    def ask(self, **request):
        """Asks a warm parent for a probe; that it is gone shows when its answer is waited for."""
        self.forget()
        try:
            os.write(self.requests, json.dumps(request).encode("ascii") + b"\n")
        except OSError:
            pass


class Runner(object):
    """One plan, carried out in order. `close` leaves no process and no file behind."""

    def __init__(self, plan, channel, work, supervisor, wrong):
        limits = plan["limits"]
        self.plan = plan
        self.channel = channel
        self.work = work
        self.supervisor = supervisor
        self.wrong = wrong
        self.probe_seconds = float(limits["probe_seconds"])
        self.import_seconds = float(limits["import_seconds"])
        self.deadline = channel.started + float(limits["cell_seconds"])
        self.reaper = processes.Reaper()
        self.parents = {}  # needs → Progress of a warm parent that is ready
        self.failures = {}  # needs → fields of the `ended` event of each probe that needed them
        self.made = 0
        self.wakeup = os.pipe()
        processes.become_subreaper()
        for fd in self.wakeup:
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self.wakeup[1])

    def run(self):
        left = collections.Counter(self._warm_needs(id) for id in self.plan["probes"])
        for id in self.plan["probes"]:
            self._probe(id)
            needs = self._warm_needs(id)
            left[needs] -= 1
            if not left[needs] and needs in self.parents:
                self._drop(needs)
        self.channel.emit(
            "bye", probes=len(self.plan["probes"]), seconds=round(time.monotonic() - self.channel.started, 3)
        )

    def close(self):
        signal.set_wakeup_fd(-1)
        processes.kill_tree([p.pid for p in self.parents.values()], (), self.reaper, GRACE)
        shutil.rmtree(self.work, ignore_errors=True)

    # ------------------------------------------------------------ one probe

    @staticmethod
    def _warm_needs(id):
        spec = harness.REGISTRY.get(id)
        return None if spec is None or spec.fresh else spec.needs

    def _probe(self, id):
        spec = harness.REGISTRY.get(id)
        reason = self._reason_not_to(id, spec)
        if reason:
            self._ended(id, False, {"ended": "not-run", "reason": reason})
        elif spec.fresh:
            self.channel.emit("started", probe=id, fresh=True)
            self._ended(id, True, self._fresh(spec))
        else:
            self._warm(spec)

    def _reason_not_to(self, id, spec):
        if spec is None:
            wrong = "; ".join(
                "%s: %s" % (name, self.wrong[name].strip().split("\n")[-1]) for name in sorted(self.wrong)
            )
            return events.cut("no-such-probe" + (" (" + wrong + ")" if wrong else ""), events.MESSAGE)
        if time.monotonic() >= self.deadline:
            return warm.BUDGET
        if id == "control.exhausts_memory" and not self.plan.get("control_memory"):
            return "engine: no memory limit is enforced"
        missing = wanted.missing(spec.needs, self.plan.get("expected", {}))
        return "needs:" + missing if missing else ""

    def _ended(self, id, fresh, fields):
        event = {
            "probe": id, "ended": None, "phase": "probe", "within": "", "exception": None, "value": None,
            "signal": None, "exit_code": None, "seconds": 0.0, "reason": "", "output": "", "warnings": [],
            "fresh": fresh, "first": "",
        }  # fmt: skip
        event.update(fields)
        event["seconds"] = round(event["seconds"], 3)
        self.channel.emit("ended", **event)

    def _warm(self, spec):
        parent = self._parent(spec.needs)
        if parent is None:
            self._ended(spec.id, False, self.failures[spec.needs])
            return
        self.channel.emit("started", probe=spec.id, fresh=False)
        fields = self._forked(spec, parent)
        if fields["ended"] not in DIED or not spec.repeat:
            self._ended(spec.id, False, fields)
            return
        # A death may be the fork's doing and not the probe's: what a process of its own does counts.
        self.channel.emit("started", probe=spec.id, fresh=True)
        again = self._fresh(spec)
        if again.get("reason") == warm.BUDGET:
            self._ended(spec.id, False, dict(fields, reason="not repeated: " + warm.BUDGET))
        else:
            self._ended(spec.id, True, dict(again, first=warm.words(fields)))

    def _forked(self, spec, parent):
        directory, output = self._place()
        before, started = processes.oom_kills(), time.monotonic()
        deadline, cut = self._until(spec.seconds or self.probe_seconds)
        parent.ask(probe=spec.id, directory=directory)

        def done():
            parent.listen()
            return parent.status is not None or parent.unforked or self._gone(parent)

        in_time = self._wait(done, deadline, [parent.answers, output])
        seconds = time.monotonic() - started
        ending = self._settle(spec.needs, parent, done)
        if parent.status is not None:
            stopped = warm.stopped_by(parent.status)
        elif parent.unforked:
            stopped = {"ended": "exited", "reason": "could not be forked: " + parent.unforked}
        else:
            stopped = dict(ending, reason="its warm parent ended or hung")
        fields = warm.classify(warm.result(directory), in_time, cut, stopped, before)
        fields.update(seconds=seconds, output=output.close())
        shutil.rmtree(directory, ignore_errors=True)
        return fields

    def _settle(self, needs, parent, done):
        """Kills what the probe left; a parent that does not tell how it ended is hung, and killed as well.

        Returns how the parent itself ended, as fields of `ended` (meaningless where it lives on).
        """
        self._kill([parent.probe_pid or parent.pid])
        if not self._wait(done, time.monotonic() + GRACE, [parent.answers]):
            self._kill([parent.pid])
        ending = self._stopped(parent.pid)
        if self._gone(parent):
            parent.listen()
            self._drop(needs)
        return ending

    def _fresh(self, spec):
        directory, output = self._place()
        with open(os.path.join(directory, warm.REQUEST), "w") as file:
            json.dump({"probe": spec.id}, file)
        path = os.path.join(directory, "answers")
        os.mkfifo(path, 0o600)
        answers = processes.Lines(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        before = processes.oom_kills()
        process = Progress(self._fork(lambda: self._renew(directory, output)), answers, output, directory)
        fields = self._import(process)
        if fields is None:
            started = time.monotonic()
            deadline, cut = self._until(spec.seconds or self.probe_seconds)
            in_time = self._wait(lambda: self._gone(process), deadline, [output])
            seconds = time.monotonic() - started
            self._kill([process.pid])
            fields = warm.classify(warm.result(directory), in_time, cut, self._stopped(process.pid), before)
            fields["seconds"] = seconds
        self._kill([process.pid])
        answers.close()
        fields["output"] = output.close()
        shutil.rmtree(directory, ignore_errors=True)
        return fields

    def _renew(self, directory, output):
        processes.set_apart(output.path)
        os.chdir(directory)
        os.execv(sys.executable, [sys.executable, self.supervisor, "--one", directory])

    # ------------------------------------------------------------ warm parents

    def _parent(self, needs):
        """A warm parent that is ready, or None where these needs can't be imported (`failures` says how)."""
        if needs in self.parents and self._gone(self.parents[needs]):
            self._drop(needs)
        if needs in self.parents or needs in self.failures:
            return self.parents.get(needs)
        fields = self._new_parent(needs)
        if fields is not None and fields["ended"] in DIED:
            first = warm.words(fields)
            fields = self._new_parent(needs)
            if fields is not None:
                fields["first"] = first
        if fields is None:
            return self.parents[needs]
        fields["seconds"] = 0.0  # the parent's event has them; its probes took none
        self.failures[needs] = fields
        return None

    def _new_parent(self, needs):
        """Starts a warm parent. Returns None when it is ready, else how it failed, as fields of `ended`."""
        directory, output = self._place()
        asked, told = os.pipe(), os.pipe()

        def serve():
            processes.set_apart(output.path, (asked[0], told[1]))
            os.chdir(directory)
            warm.serve(needs, asked[0], told[1])

        started = time.monotonic()
        pid = self._fork(serve)
        os.close(asked[0])
        os.close(told[1])
        parent = Progress(pid, processes.Lines(told[0]), output, directory)
        parent.requests = asked[1]
        self.parents[needs] = parent
        fields = self._import(parent)
        about = {"needs": list(needs), "seconds": round(time.monotonic() - started, 3)}
        if fields is None:
            self.channel.emit(
                "parent", state="ready", imports=parent.imported, pid=pid, warnings=parent.warnings, **about
            )
            return None
        fields["output"] = self._drop(needs)
        self.channel.emit("parent", state="failed", **dict(fields, **about))
        return fields

    def _import(self, process):
        """Waits for a process to import its needs. Returns None when it has, else how that failed."""
        before = processes.oom_kills()
        deadline, cut = self._until(self.import_seconds)

        def done():
            process.listen()
            return process.imported is not None or process.failed is not None or self._gone(process)

        in_time = self._wait(done, deadline, [process.answers, process.output])
        process.listen()
        if process.imported is not None:
            return None
        self._kill([process.pid])
        fields = warm.classify(process.failed, in_time, cut, self._stopped(process.pid), before)
        within = "import " + process.importing if process.importing else ""
        fields.update(phase="import", within=fields.get("within") or within)
        return fields

    def _drop(self, needs):
        """Ends a warm parent. Returns the end of what it printed."""
        parent = self.parents.pop(needs)
        os.close(parent.requests)
        self._kill([parent.pid])
        self.reaper.statuses.pop(parent.pid, None)
        parent.answers.close()
        shutil.rmtree(parent.directory, ignore_errors=True)
        return parent.output.close()

    # ------------------------------------------------------------ waiting and ending

    def _place(self):
        """A new directory and the named pipe in it that takes what is printed."""
        self.made += 1
        directory = os.path.join(self.work, str(self.made))
        os.mkdir(directory)
        return directory, processes.Output(os.path.join(directory, "output"))

    def _fork(self, body):
        until = time.monotonic() + GRACE
        while True:
            try:
                pid = os.fork()
                break
            except OSError:  # what was killed may not be gone yet and still count against a limit
                if time.monotonic() > until:
                    raise
                self.reaper.collect()
                time.sleep(0.05)
        if pid:
            self.reaper.watch(pid)
            return pid
        try:
            body()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(72)

    def _until(self, seconds):
        """(deadline, whether the cell's budget sets it)."""
        limit = time.monotonic() + seconds
        return (self.deadline, True) if self.deadline < limit else (limit, False)

    def _wait(self, done, deadline, sources):
        """Reads `sources` and sends heartbeats until `done()` or the deadline. Returns whether it was done."""
        while True:
            self.reaper.collect()
            if done():
                return True
            pause = min(deadline, self.channel.next_beat) - time.monotonic()
            if time.monotonic() >= deadline:
                return False
            others = [p.output for p in self.parents.values() if p.output not in sources]
            # A pipe whose other end is closed is always readable: its owner's death is what is waited for then.
            open_ones = [s for s in sources if not getattr(s, "ended", False)]
            for source in select.select([self.wakeup[0]] + open_ones + others, [], [], max(pause, 0))[0]:
                if source == self.wakeup[0]:
                    os.read(source, 4096)
                else:
                    source.pump()
            self.channel.beat()

    def _gone(self, process):
        return process.pid in self.reaper.statuses

    def _stopped(self, pid):
        """How a child of this process ended, as fields of `ended`."""
        status = self.reaper.statuses.get(pid)
        return {"ended": "signal"} if status is None else warm.stopped_by(status)

    def _kill(self, roots):
        keep = [p.pid for p in self.parents.values() if p.pid not in roots]
        if not processes.kill_tree(roots, keep, self.reaper, GRACE) and os.getpid() == 1:
            # Something forks faster than it can be found. In a container of its own everything else may go.
            os.kill(-1, signal.SIGKILL)
            processes.kill_tree(roots, (), self.reaper, GRACE)
