"""Carries a plan out: forks of warm parents, fresh repetitions, limits, and one `ended` event for each probe.

Standard library only, CPython 3.6 to 3.14.
"""

import collections
import os
import signal
import time

import events
import harness
import needs as wanted
import processes
import results
import warm
from lanes import ALONE, Loop, Wait
from parents import Nursery, Parents, token

GRACE = 5.0
"""Seconds a killed process may take to be gone, and a warm parent to tell how its probe ended."""
TOGETHER = 40
"""How many light probes share one fork."""


Spec = collections.namedtuple("Spec", "id kind needs seconds fresh light repeat file")
"""What a plan says of a probe; `file` is the one it is in."""


def specs(plan):
    """Probe id → Spec, as a plan has them; where it says nothing of them, of the files that were read here."""
    told = plan.get("specs")
    if told is None:
        found = {id: {name: getattr(s, name) for name in Spec._fields} for id, s in harness.REGISTRY.items()}
        told = {id: dict(fields, file=os.path.basename(fields["file"])) for id, fields in found.items()}
    return {id: Spec(id=id, **dict(_spec(told[id]), needs=tuple(told[id]["needs"]))) for id in told}


def _spec(told):
    return {name: told[name] for name in Spec._fields if name != "id"}


class Runner(object):
    """One plan, carried out in order, `lanes` probes at a time. `close` leaves no process and no file behind.

    `variables` is the environment of its processes, `wrong` what is the matter with probe files that can't be read.
    """

    def __init__(self, plan, channel, variables, wrong):
        limits = plan["limits"]
        self.plan = plan
        self.channel = channel
        self.variables = variables
        self.wrong = wrong
        self.specs = specs(plan)
        self.lanes = max(int(plan.get("lanes", 1)), 1)
        self.probe_seconds = float(limits["probe_seconds"])
        self.deadline = channel.started + float(limits["cell_seconds"])
        child = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
        self.nursery = Nursery(channel, self.deadline, GRACE, (plan["interpreter"], child, variables))
        self.parents = Parents(self.nursery, float(limits["import_seconds"]), self._files())
        self.left = collections.Counter(self._warm_needs(id) for id in plan["probes"])
        self.wakeup = os.pipe()
        processes.become_subreaper()
        for fd in self.wakeup:
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        processes.wake_up(self.wakeup[1])

    def _files(self):
        """Needs → the files of those probes of the plan that a warm parent with these needs forks for."""
        found = {}
        for spec in [self.specs[id] for id in self.plan["probes"] if id in self.specs]:
            if not spec.fresh:
                found.setdefault(spec.needs, set()).add(spec.file)
        return {needs: tuple(sorted(files)) for needs, files in found.items()}

    def _warm_needs(self, id):
        spec = self.specs.get(id)
        return None if spec is None or spec.fresh else spec.needs

    def run(self):
        def outputs():
            return [p.output for p in self.parents.ready.values()]

        Loop(self.lanes, self.wakeup[0], self.nursery.reaper.collect, outputs, self.channel).run(self._tasks())
        self.channel.emit(
            "bye", probes=len(self.plan["probes"]), seconds=round(time.monotonic() - self.channel.started, 3)
        )

    def close(self):
        signal.set_wakeup_fd(-1)
        self.nursery.close()

    def _tasks(self):
        """A generator per probe, in order; light probes of the same needs in one, where the first of them stands."""
        together, tasks = {}, []
        for id in self.plan["probes"]:
            spec = self.specs.get(id)
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
        for needs in [self._warm_needs(id) for id in ids]:
            self.left[needs] -= 1
            if not self.left[needs]:
                self.parents.finish(needs)

    # ------------------------------------------------------------ one probe

    def _probe(self, id):
        spec = self.specs.get(id)
        reason = self._reason_not_to(id, spec)
        if reason:
            self._ended(id, False, {"ended": "not-run", "reason": reason})
            return
        if spec.kind == harness.CONTROL:
            yield ALONE
        if spec.fresh:
            self.channel.emit("started", probe=id, fresh=True)
            fields = yield from self._fresh(spec)
            yield from self._counted(spec, True, fields, again=self.lanes > 1)
        else:
            yield from self._warm(spec)

    def _reason_not_to(self, id, spec):
        if spec is None:
            wrong = "; ".join(
                "%s: %s" % (name, self.wrong[name].strip().split("\n")[-1]) for name in sorted(self.wrong)
            )
            return events.cut("no-such-probe" + (" (" + wrong + ")" if wrong else ""), events.MESSAGE)
        if time.monotonic() >= self.deadline:
            return results.BUDGET
        if id == "control.exhausts_memory" and not self.plan.get("control_memory"):
            return "engine: no memory limit is enforced"
        expected, brought_by = self.plan.get("expected", {}), self.plan.get("distributions", {})
        missing = wanted.missing(spec.needs, expected, self._folders(), brought_by)
        return "needs:" + missing if missing else ""

    def _folders(self):
        """Where a process of a probe finds packages: the environment's, and what its variables name."""
        named = self.variables.get("PYTHONPATH", "").split(os.pathsep)
        return [folder for folder in named if folder] + list(self.plan.get("site_packages", ()))

    def _unread(self, process, id):
        """The fields of `ended` of a probe whose file a process could not read, or None."""
        file = self.specs[id].file
        if file not in process.unread:
            return None
        reason = "no-such-probe (%s: %s)" % (file, process.unread[file])
        return {"ended": "not-run", "reason": events.cut(reason, events.MESSAGE)}

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
        unread = self._unread(parent, spec.id)
        if unread:
            self._ended(spec.id, False, unread)
            return
        self.channel.emit("started", probe=spec.id, fresh=False)
        fields = yield from self._forked(spec, parent)
        yield from self._counted(spec, False, fields, again=True)

    def _counted(self, spec, fresh, fields, again):
        """Tells how a probe ended; after a death that may not be its own doing, how it ends in a process all to itself.

        A death may be the fork's doing or a neighbour's.
        """
        if fields["ended"] not in results.DIED or not spec.repeat or not again:
            self._ended(spec.id, fresh, fields)
            return
        if spec.kind != harness.CONTROL:
            yield ALONE
        self.channel.emit("started", probe=spec.id, fresh=True)
        repeated = yield from self._fresh(spec)
        if repeated.get("reason") == results.BUDGET:
            self._ended(spec.id, fresh, dict(fields, reason="not repeated: " + results.BUDGET))
        else:
            self._ended(spec.id, True, dict(repeated, first=results.words(fields)))

    def _forked(self, spec, parent):
        place, asked = self.nursery.place(), token()
        before, started = processes.oom_kills(), time.monotonic()
        deadline, cut = self.nursery.until(spec.seconds or self.probe_seconds)
        in_time, stopped = yield from self._ask(parent, [(spec.id, asked)], place, deadline)
        told, trouble = results.of(place, asked)
        fields = results.classify(told, in_time, cut, _with(stopped, trouble), before)
        fields.update(seconds=time.monotonic() - started, output=place.close(self.channel.beat))
        return fields

    def _batch(self, ids):
        """Light probes in one fork, as far as that gets; what it does not reach runs one by one."""
        spec = self.specs[ids[0]]
        parent = None if self._reason_not_to(ids[0], spec) else (yield from self.parents.get(spec.needs))
        if parent is not None and not any(self._unread(parent, id) for id in ids):
            place, asked = self.nursery.place(), [(id, token()) for id in ids]
            started = time.monotonic()
            deadline, _ = self.nursery.until(self.probe_seconds)
            yield from self._ask(parent, asked, place, deadline)
            took = time.monotonic() - started
            done = set()
            for id, expected in asked:
                fields = results.of(place, expected, id)[0]
                if fields is not None:
                    done.add(id)
                    output = _printed(place, id)
                    self.channel.emit("started", probe=id, fresh=False)
                    self._ended(id, False, dict(fields, output=output, seconds=min(fields["seconds"], took)))
            place.close(self.channel.beat)
            ids = [id for id in ids if id not in done]
        for id in ids:
            yield from self._probe(id)

    def _ask(self, parent, asked, place, deadline):
        """Has a warm parent fork for probes (id, token), kills what the fork left. Returns (in time, how it stopped).

        A parent that does not tell how its fork ended is hung, and killed as well.
        """
        tag = token()
        parent.expect(tag)
        if not parent.ask(warm.PROBES, place.path, tag, *[text for pair in asked for text in pair]):
            self.nursery.kill([parent.pid])

        def done():
            parent.listen()
            fork = parent.fork(tag)
            return fork.status is not None or fork.refused or self.nursery.gone(parent)

        def forked():
            parent.listen()
            return parent.fork(tag).pid is not None or done()

        yield Wait(forked, deadline, [parent.answers, place.output])
        pid = parent.fork(tag).pid
        mine = [pid] if pid is not None and self.nursery.take(pid, parent.pid) else []
        in_time = yield Wait(done, deadline, [parent.answers, place.output])
        self.nursery.kill(mine if mine or done() else [parent.pid])
        if not (yield Wait(done, time.monotonic() + GRACE, [parent.answers])):
            self.nursery.kill([parent.pid])
        ending = self.nursery.stopped(parent)
        if self.nursery.gone(parent) and not parent.closed:
            parent.listen()
            self._drop(parent)
        fork = parent.fork(tag)
        if fork.status is not None:
            return in_time, results.stopped_by(fork.status)
        if fork.refused:
            return in_time, {"ended": "exited", "reason": "could not be forked: " + fork.refused}
        return in_time, dict(ending, reason="its warm parent ended or hung")

    def _drop(self, parent):
        for needs in [n for n, p in self.parents.ready.items() if p is parent]:
            self.parents.drop(needs)

    def _fresh(self, spec):
        process, asked = self.nursery.process(spec.needs, (spec.file,)), token()
        before = processes.oom_kills()
        self.nursery.start(process, unbuffered=False)
        process.ask(warm.ONE, spec.file, ",".join(spec.needs), spec.id, asked)
        fields = yield from self.parents.import_all(process)
        unread = self._unread(process, spec.id)
        if fields is None:
            started = time.monotonic()
            deadline, cut = self.nursery.until(spec.seconds or self.probe_seconds)
            in_time = yield Wait(lambda: self.nursery.gone(process), deadline, [process.output])
            seconds = time.monotonic() - started
            self.nursery.kill([process.pid])
            told, trouble = results.of(process.place, asked)
            stopped = _with(self.nursery.stopped(process), trouble)
            fields = results.classify(told, in_time, cut, stopped, before)
            fields["seconds"] = seconds
        self.nursery.end(process)
        fields["output"] = process.close(self.channel.beat)
        return unread or fields


def _with(stopped, trouble):
    """How a process was stopped, and what is the matter with the result that it left all the same."""
    return dict(stopped, reason=events.cut(trouble, events.MESSAGE)) if trouble else stopped


def _printed(place, folder):
    """What a light probe printed into its file."""
    try:
        return processes.printed(place.read("output", events.CAPTURED, folder, end=True))
    except (OSError, results.Invalid):
        return ""
