"""Carries a plan out: forks of warm parents, fresh repetitions, limits, and one `ended` event for each probe.

Standard library only, CPython 3.6 to 3.14.
"""

import collections
import json
import os
import shutil
import signal
import sys
import time

import events
import harness
import needs as wanted
import processes
import warm
from lanes import ALONE, Loop, Wait
from parents import Nursery, Parents, Process

GRACE = 5.0
"""Seconds a killed process may take to be gone, and a warm parent to tell how its probe ended."""
TOGETHER = 40
"""How many light probes share one fork."""


class Runner(object):
    """One plan, carried out in order, `lanes` probes at a time. `close` leaves no process and no file behind."""

    def __init__(self, plan, channel, work, supervisor, wrong):
        limits = plan["limits"]
        self.plan = plan
        self.channel = channel
        self.work = work
        self.supervisor = supervisor
        self.wrong = wrong
        self.probe_seconds = float(limits["probe_seconds"])
        self.deadline = channel.started + float(limits["cell_seconds"])
        self.nursery = Nursery(channel, work, self.deadline, GRACE)
        self.parents = Parents(self.nursery, float(limits["import_seconds"]))
        self.left = collections.Counter(_warm_needs(id) for id in plan["probes"])
        self.wakeup = os.pipe()
        processes.become_subreaper()
        for fd in self.wakeup:
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self.wakeup[1])

    def run(self):
        def outputs():
            return [p.output for p in self.parents.ready.values()]

        lanes = max(int(self.plan.get("lanes", 1)), 1)
        Loop(lanes, self.wakeup[0], self.nursery.reaper.collect, outputs, self.channel).run(self._tasks())
        self.channel.emit(
            "bye", probes=len(self.plan["probes"]), seconds=round(time.monotonic() - self.channel.started, 3)
        )

    def close(self):
        signal.set_wakeup_fd(-1)
        processes.kill_tree(self.nursery.alive, (), self.nursery.reaper, GRACE)
        shutil.rmtree(self.work, ignore_errors=True)

    def _tasks(self):
        """A generator per probe, in order; light probes of the same needs in one, where the first of them stands."""
        together, tasks = {}, []
        for id in self.plan["probes"]:
            spec = harness.REGISTRY.get(id)
            if spec is None or not spec.light or spec.fresh or self.plan.get("mutate"):
                tasks.append([id])
                continue
            batch = together.get(spec.needs)
            if batch is None or len(batch) == TOGETHER:
                batch = together[spec.needs] = []
                tasks.append(batch)
            batch.append(id)
        return [self._task(ids) for ids in tasks]

    def _task(self, ids):
        if len(ids) == 1:
            yield from self._probe(ids[0])
        else:
            yield from self._batch(ids)
        for needs in [_warm_needs(id) for id in ids]:
            self.left[needs] -= 1
            if not self.left[needs]:
                self.parents.finish(needs)

    # ------------------------------------------------------------ one probe

    def _probe(self, id):
        spec = harness.REGISTRY.get(id)
        reason = self._reason_not_to(id, spec)
        if reason:
            self._ended(id, False, {"ended": "not-run", "reason": reason})
            return
        if spec.kind == harness.CONTROL:
            yield ALONE
        if spec.fresh:
            self.channel.emit("started", probe=id, fresh=True)
            self._ended(id, True, (yield from self._fresh(spec)))
        else:
            yield from self._warm(spec)

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
        parent = yield from self.parents.get(spec.needs)
        if parent is None:
            self._ended(spec.id, False, self.parents.failures[spec.needs])
            return
        self.channel.emit("started", probe=spec.id, fresh=False)
        fields = yield from self._forked(spec, parent)
        if fields["ended"] not in warm.DIED or not spec.repeat:
            self._ended(spec.id, False, fields)
            return
        # A death may be the fork's doing or a neighbour's: what a process does that has all to itself counts.
        if spec.kind != harness.CONTROL:
            yield ALONE
        self.channel.emit("started", probe=spec.id, fresh=True)
        again = yield from self._fresh(spec)
        if again.get("reason") == warm.BUDGET:
            self._ended(spec.id, False, dict(fields, reason="not repeated: " + warm.BUDGET))
        else:
            self._ended(spec.id, True, dict(again, first=warm.words(fields)))

    def _forked(self, spec, parent):
        directory, output = self.nursery.place()
        before, started = processes.oom_kills(), time.monotonic()
        deadline, cut = self.nursery.until(spec.seconds or self.probe_seconds)
        in_time, stopped = yield from self._ask(parent, [spec.id], (directory, output), deadline)
        fields = warm.classify(warm.result(directory), in_time, cut, stopped, before)
        fields.update(seconds=time.monotonic() - started, output=output.close())
        shutil.rmtree(directory, ignore_errors=True)
        return fields

    def _batch(self, ids):
        """Light probes in one fork, as far as that gets; what it does not reach runs one by one."""
        spec = harness.REGISTRY[ids[0]]
        parent = None if self._reason_not_to(ids[0], spec) else (yield from self.parents.get(spec.needs))
        if parent is not None:
            directory, output = self.nursery.place()
            deadline, _ = self.nursery.until(self.probe_seconds)
            yield from self._ask(parent, ids, (directory, output), deadline)
            output.close()
            for id in ids:
                place = os.path.join(directory, id)
                fields = warm.result(place)
                if fields is not None:
                    self.channel.emit("started", probe=id, fresh=False)
                    self._ended(id, False, dict(fields, output=processes.end_of(os.path.join(place, "output"))))
            done = {id for id in ids if os.path.exists(os.path.join(directory, id, warm.RESULT))}
            shutil.rmtree(directory, ignore_errors=True)
            ids = [id for id in ids if id not in done]
        for id in ids:
            yield from self._probe(id)

    def _ask(self, parent, ids, place, deadline):
        """Has a warm parent fork for `ids` and kills what the fork left. Returns (in time, how it was stopped).

        A parent that does not tell how its fork ended is hung, and killed as well.
        """
        directory, output = place
        parent.ask(directory, probes=ids)

        def done():
            parent.listen()
            fork = parent.fork(directory)
            return fork.status is not None or fork.refused or self.nursery.gone(parent)

        def forked():
            parent.listen()
            return parent.fork(directory).pid is not None or done()

        yield Wait(forked, deadline, [parent.answers, output])
        pid = parent.fork(directory).pid
        if pid is not None:
            self.nursery.alive.add(pid)
        in_time = yield Wait(done, deadline, [parent.answers, output])
        self.nursery.kill([pid or parent.pid])
        if not (yield Wait(done, time.monotonic() + GRACE, [parent.answers])):
            self.nursery.kill([parent.pid])
        ending = self.nursery.stopped(parent)
        if self.nursery.gone(parent) and not parent.closed:
            parent.listen()
            self._drop(parent)
        fork = parent.fork(directory)
        if fork.status is not None:
            return in_time, warm.stopped_by(fork.status)
        if fork.refused:
            return in_time, {"ended": "exited", "reason": "could not be forked: " + fork.refused}
        return in_time, dict(ending, reason="its warm parent ended or hung")

    def _drop(self, parent):
        for needs in [n for n, p in self.parents.ready.items() if p is parent]:
            self.parents.drop(needs)

    def _fresh(self, spec):
        directory, output = self.nursery.place()
        with open(os.path.join(directory, warm.REQUEST), "w") as file:
            json.dump({"probe": spec.id}, file)
        path = os.path.join(directory, "answers")
        os.mkfifo(path, 0o600)
        answers = processes.Lines(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        before = processes.oom_kills()
        process = Process(self.nursery.fork(lambda: self._renew(directory, output)), answers, output, directory)
        self.nursery.alive.add(process.pid)
        fields = yield from self.parents.import_all(process)
        if fields is None:
            started = time.monotonic()
            deadline, cut = self.nursery.until(spec.seconds or self.probe_seconds)
            in_time = yield Wait(lambda: self.nursery.gone(process), deadline, [output])
            seconds = time.monotonic() - started
            self.nursery.kill([process.pid])
            fields = warm.classify(warm.result(directory), in_time, cut, self.nursery.stopped(process), before)
            fields["seconds"] = seconds
        self.nursery.end(process)
        fields["output"] = process.close()
        return fields

    def _renew(self, directory, output):
        processes.set_apart(output.path)
        os.chdir(directory)
        os.execv(sys.executable, [sys.executable, self.supervisor, "--one", directory])


def _warm_needs(id):
    spec = harness.REGISTRY.get(id)
    return None if spec is None or spec.fresh else spec.needs
