"""The two processes that run probes: a warm parent that imports and forks, and one that starts anew for one probe.

Both say how far they are in JSON lines ({"importing": name}, {"imported": {name: seconds}}, {"failed": …}); a
probe's result is a file, which survives whatever the probe does to its descriptors. A warm parent runs no
operation itself: a fork after one hangs in TensorFlow's thread pools.
"""

import importlib
import json
import logging
import os
import select
import signal
import sys
import time
import warnings

import events
import harness
import processes

RESULT = "result.json"
REQUEST = "request.json"
BUDGET = "cell-budget"
DIED = ("signal", "timeout", "exited", "oom")
"""Endings that say nothing yet: what a process of its own does counts."""


class _Said(logging.Handler):
    """Warnings of Python, TensorFlow and absl as short texts, at most twenty."""

    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.texts = []

    def hear(self, message, category, filename, lineno, file=None, line=None):
        """Takes the place of `warnings.showwarning`."""
        self._keep(
            "%s: %s (%s:%s)" % (category.__name__, events.cut(str(message), 400), events.relative(filename), lineno)
        )

    def emit(self, record):
        try:
            message = record.getMessage()
        except Exception as trouble:  # a log call whose arguments don't fit its format; logging itself bears it too
            message = "(its message can't be read: %s)" % type(trouble).__name__
        self._keep("%s: %s" % (record.name, events.cut(message, 400)))

    def _keep(self, text):
        if len(self.texts) < events.WARNINGS:
            self.texts.append(text)


def _listen():
    """From here on warnings go into the `texts` of what is returned."""
    said = _Said()
    warnings.simplefilter("default")
    warnings.showwarning = said.hear
    for name in ("tensorflow", "absl"):
        logger = logging.getLogger(name)
        for handler in [h for h in logger.handlers if isinstance(h, _Said)]:
            logger.removeHandler(handler)
        logger.addHandler(said)
    return said


def _say(fd, **fields):
    os.write(fd, json.dumps(fields).encode("ascii") + b"\n")


def _import_all(needs, fd):
    """Imports `needs` in order, telling `fd`. Returns whether all came; a failure has been told."""
    said = _listen()
    took = {}
    for name in needs:
        _say(fd, importing=name)
        started = time.monotonic()
        try:
            importlib.import_module(name)
        except BaseException as exception:
            _say(
                fd,
                failed={
                    "ended": "raised",
                    "within": "import " + name,
                    "exception": events.describe(exception),
                    "warnings": said.texts,
                },
            )
            return False
        took[name] = round(time.monotonic() - started, 3)
    _say(fd, imported=took, warnings=said.texts)
    return True


def _sabotage(id):
    """Breaks in this process what the check `id` looks at, so that a proof can see it fail; skips without a way."""
    import mutations

    if not mutations.apply(id):
        harness.skip("no mutation is known")


def _outcome(spec):
    """Runs a probe's function here and says how it ended, as fields of the `ended` event."""
    try:
        if os.environ.get("COMPAT_MUTATE"):
            _sabotage(spec.id)
        return {"ended": "returned", "value": events.plain(harness.call(spec))}
    except harness.Skipped as exception:
        return {"ended": "skipped", "reason": events.cut(str(exception), events.MESSAGE)}
    except BaseException as exception:
        within = harness.within(exception)
        found = {"ended": "raised", "within": within, "exception": events.describe(exception)}
        if within and spec.kind == harness.BEHAVIOUR:
            # What is raised in a behaviour's subject block is what happens: a value like any other.
            found.update(ended="returned", value={"raised": type(exception).__name__})
        return found


def _write(path, content):
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.rename(path + ".part", path)


def perform(spec, directory):
    """Runs a probe in this process and leaves its result in `directory`; does not return."""
    code = 70
    try:
        _perform(spec, directory)
        code = 0
    finally:
        os._exit(code)


def _perform(spec, directory):
    own = os.getpid()
    work = os.path.join(directory, "cwd")
    os.mkdir(work)
    os.chdir(work)
    os.environ["TMPDIR"] = work
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None
    said = _listen()
    started = time.monotonic()
    found = _outcome(spec)
    found["seconds"] = round(time.monotonic() - started, 3)
    if os.getpid() != own:  # a process the probe forked came out of its function; it has nothing to report
        os._exit(0)
    found["warnings"] = list(said.texts)
    _flush()
    content = json.dumps(found).encode("ascii")
    path = os.path.join(directory, RESULT)
    try:
        _write(path, content)
    except OSError:  # the probe has used up the descriptors or the space
        os.closerange(3, 4096)
        _remove_below(work)
        _write(path, content)


def _perform_all(specs, directory):
    """Runs light probes one after the other, each with a place and a time of its own below `directory`."""
    for spec in specs:
        place = os.path.join(directory, spec.id)
        os.mkdir(place)
        processes.redirect(os.open(os.path.join(place, "output"), os.O_WRONLY | os.O_CREAT), (1, 2))
        _perform(spec, place)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the probe closed or replaced it
            pass


def _remove_below(directory):
    import shutil

    shutil.rmtree(directory, ignore_errors=True)


def _start(request, descriptors):
    """Forks a process for the probes of a request, or for a further warm parent. Returns its id."""
    with warnings.catch_warnings():
        # From 3.12 on a fork below threads warns; the imports made those threads and no lock of theirs is held.
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid:
        return pid
    try:
        for fd in descriptors:
            os.close(fd)
        if "serve" in request:
            parent(request["serve"], request["directory"])
            os._exit(0)
        specs = [harness.REGISTRY[id] for id in request["probes"]]
        processes.set_apart(os.path.join(request["directory"], "output"))
        processes.first_for_oom()
        if len(specs) == 1:
            perform(specs[0], request["directory"])
        _perform_all(specs, request["directory"])
        os._exit(0)
    finally:
        os._exit(71)


def parent(needs, directory):
    """In a new child: a warm parent, whose named pipes `requests`, `answers` and `output` are in `directory`."""
    processes.set_apart(os.path.join(directory, "output"))
    os.chdir(directory)
    serve(
        needs,
        os.open(os.path.join(directory, "requests"), os.O_RDONLY),
        os.open(os.path.join(directory, "answers"), os.O_WRONLY),
    )


def serve(needs, requests, answers):
    """The warm parent: imports, then forks for each line on `requests` and tells its wait status.

    Several forks may run at a time. Ends when `requests` is closed.
    """
    if not _import_all(needs, answers):
        return
    woken, wakes = os.pipe()
    for fd in (woken, wakes):
        os.set_blocking(fd, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wakes)
    lines = processes.Lines(requests)
    running = {}  # process id → directory of its request
    while not lines.ended:
        for source in select.select([woken, lines], [], [])[0]:
            if source == woken:
                os.read(woken, 4096)
            else:
                source.pump()
        for line in lines.take():
            request = json.loads(line.decode("ascii"))
            try:
                pid = _start(request, (requests, answers, woken, wakes))
            except OSError as trouble:  # no process or no memory left to fork with
                _say(answers, refused=str(trouble), **{"for": request["directory"]})
                continue
            running[pid] = request["directory"]
            _say(answers, pid=pid, **{"for": request["directory"]})
        for pid, status in _ended(running):
            _say(answers, pid=pid, status=status, **{"for": running.pop(pid)})


def _ended(running):
    """(process id, wait status) of each of `running` that has ended."""
    found = []
    for pid in running:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            found.append((pid, status))
    return found


def one(directory):
    """A new interpreter for one probe: reads its request, imports its needs, runs it. Does not return."""
    with open(os.path.join(directory, REQUEST)) as file:
        request = json.load(file)
    answers = os.open(os.path.join(directory, "answers"), os.O_WRONLY)
    processes.first_for_oom()
    spec = harness.REGISTRY[request["probe"]]
    if not _import_all(spec.needs, answers):
        _flush()
        os._exit(0)
    os.close(answers)
    perform(spec, directory)


def stopped_by(status):
    """A wait status as fields of the `ended` event."""
    if os.WIFSIGNALED(status):
        return {"ended": "signal", "signal": os.WTERMSIG(status)}
    return {"ended": "exited", "exit_code": os.WEXITSTATUS(status)}


def result(directory):
    try:
        with open(os.path.join(directory, RESULT)) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def classify(told, in_time, cut, stopped, oom_before):
    """Fields of `ended` from what the process told, else from how it was stopped.

    A kill by signal 9 that is not ours is for memory when the kernel's own count has grown meanwhile.
    """
    if told:
        return dict(told)
    if not in_time:
        return {"ended": "not-run", "reason": BUDGET} if cut else {"ended": "timeout"}
    if stopped.get("signal") == signal.SIGKILL and oom_before is not None:
        after = processes.oom_kills()
        if after is not None and after > oom_before:
            return dict(stopped, ended="oom")
    return dict(stopped)


def words(fields):
    """How something died, in a word or two: "signal 11", "exit 3", "timeout", "oom"."""
    if fields["ended"] == "signal":
        return "signal %s" % fields.get("signal")
    if fields["ended"] == "exited":
        return "exit %s" % fields.get("exit_code")
    return fields["ended"]
