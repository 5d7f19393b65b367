"""The two processes that run probes: a warm parent that imports and forks, and one that starts anew for one probe.

What either is to do comes as lines of fields (`fields`) through its pipe `requests`. Both say how far they are in JSON
lines through `answers` ({"importing": name}, {"imported": {name: seconds}}, {"failed": …}); a probe's result is a file,
which survives whatever the probe does to its descriptors, and names the token that came with the probe. A warm parent
runs no operation itself: a fork after one hangs in TensorFlow's thread pools.

Standard library only, CPython 3.6 to 3.14.
"""

import importlib
import logging
import os
import select
import signal
import sys
import warnings

import events
import harness
import own
import processes

RESULT = "result.json"
SERVE, ONE, PROBES, PARENT = b"serve", b"one", b"probes", b"parent"
"""What a process may be told: be a warm parent, run one probe; and a warm parent: fork for probes, for a parent."""
_LINE = 64 * 1024


def fields(*texts):
    """A line of the pipe `requests`."""
    return b"\0".join(os.fsencode(text) for text in texts) + b"\n"


class _Said(logging.Handler):
    """Warnings of Python and of the loggers in `COMPAT_LOGGERS` as short texts, at most twenty."""

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
            self.texts.append(events.cut(text, events.WARNING))


def _listen():
    """From here on warnings go into the `texts` of what is returned."""
    said = _Said()
    warnings.simplefilter("default")
    warnings.showwarning = said.hear
    for name in [name for name in os.environ.get("COMPAT_LOGGERS", "").split(",") if name]:
        logger = logging.getLogger(name)
        for handler in [h for h in logger.handlers if isinstance(h, _Said)]:
            logger.removeHandler(handler)
        logger.addHandler(said)
    return said


def _say(fd, **told):
    own.say(fd, own.encode(told) + b"\n")


def _read_files(names, fd):
    """Imports probe files, telling `fd` of those that can't be: their probes are then not to be had here."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        for name in names:
            known = set(harness.REGISTRY)
            try:
                importlib.import_module(name[:-3])
            except Exception as exception:
                for id in set(harness.REGISTRY) - known:
                    del harness.REGISTRY[id]
                _say(fd, unread=name, why=events.describe(exception))
    finally:
        sys.dont_write_bytecode = before


def _import_all(needs, fd):
    """Imports `needs` in order, telling `fd`. Returns whether all came; a failure has been told."""
    said = _listen()
    took = {}
    for name in needs:
        _say(fd, importing=name)
        started = own.clock()
        try:
            importlib.import_module(name)
        except BaseException as exception:
            _say(fd, failed={"ended": "raised", "exception": events.describe(exception), "warnings": said.texts})
            return False
        took[name] = round(own.clock() - started, 3)
    _say(fd, imported=took, warnings=said.texts)
    return True


def _sabotage(id):
    """Breaks in this process what the check `id` looks at, so that a proof can see it fail; skips without a way."""
    import sabotage

    if not sabotage.apply(id):
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


def perform(spec, directory, token):
    """Runs a probe in this process and leaves its result in `directory`; does not return."""
    code = 70
    try:
        _perform(spec, directory, token)
        code = 0
    finally:
        own.leave(code)


def _perform(spec, directory, token):
    started_as = own.own_id()
    work = os.path.join(directory, "cwd")
    own.mkdir(work)
    os.chdir(work)
    os.environ["TMPDIR"] = work
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None
    said = _listen()
    started = own.clock()
    found = _outcome(spec)
    found["seconds"] = round(own.clock() - started, 3)
    if own.own_id() != started_as:  # a process the probe forked came out of its function; it has nothing to report
        own.leave(0)
    found["warnings"] = list(said.texts)
    found["token"] = token
    _flush()
    content = own.encode(found)
    path = os.path.join(directory, RESULT)
    try:
        own.put(path, content)
    except OSError:  # the probe has used up the descriptors or the space
        os.closerange(3, 4096)
        _remove_below(work)
        own.put(path, content)


def _perform_all(specs, directory, tokens):
    """Runs light probes one after the other, each with a place and a time of its own below `directory`."""
    for spec, token in zip(specs, tokens):  # noqa: B905 - as many; strict= is too new
        place = os.path.join(directory, spec.id)
        own.mkdir(place)
        processes.redirect(os.open(os.path.join(place, "output"), os.O_WRONLY | os.O_CREAT), (1, 2))
        _perform(spec, place, token)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the probe closed or replaced it
            pass


def _remove_below(directory):
    import shutil

    shutil.rmtree(directory, ignore_errors=True)


def main(directory):
    """In a new process: does what the first line of `requests` says. Does not return."""
    code = 71
    try:
        requests, answers, lines = _pipes(directory)
        asked = lines.next()
        files, needs = _names(asked[1]), _names(asked[2])
        _read_files(files, answers)
        if asked[0] == SERVE:
            serve(needs, requests, answers, lines)
        else:
            _one(directory, needs, answers, asked[3:])
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        _flush()
        own.leave(code)


class _Requests(processes.Lines):
    """The lines of fields that come through a pipe."""

    def next(self):
        """The fields of the next line, waited for. Raises EOFError when the other end is closed."""
        while not self.lines:
            if self.ended:
                raise EOFError("the supervisor is gone")
            select.select([self], [], [])
            self.pump()
        return self.lines.pop(0).split(b"\0")


def _pipes(directory):
    """(descriptor of `requests`, of `answers`, the lines of the first); the supervisor holds their other ends."""
    requests = os.open(os.path.join(directory, "requests"), os.O_RDONLY)
    return requests, os.open(os.path.join(directory, "answers"), os.O_WRONLY), _Requests(requests, _LINE)


def _names(field):
    return [name for name in os.fsdecode(field).split(",") if name]


def _one(directory, needs, answers, probe):
    """Runs the one probe that this process is for; its id and its token are `probe`."""
    id, token = (field.decode("ascii") for field in probe)
    processes.first_for_oom()
    if id in harness.REGISTRY and _import_all(needs, answers):
        os.close(answers)
        perform(harness.REGISTRY[id], directory, token)


def serve(needs, requests, answers, lines):
    """The warm parent: imports, then forks for each further line and tells its wait status.

    Several forks may run at a time. Ends when `requests` is closed.
    """
    if not _import_all(needs, answers):
        return
    woken, wakes = os.pipe()
    for fd in (woken, wakes):
        os.set_blocking(fd, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wakes)
    running = {}  # process id → tag of its request
    while not lines.ended:
        for source in [] if lines.lines else select.select([woken, lines], [], [])[0]:
            if source == woken:
                os.read(woken, 4096)
            else:
                source.pump()
        for line in lines.take():
            kind, directory, tag, more = _request(line)
            try:
                pid = _start(kind, directory, more, (requests, answers, woken, wakes))
            except OSError as trouble:  # no process or no memory left to fork with
                _say(answers, refused=str(trouble), **{"for": tag})
                continue
            running[pid] = tag
            _say(answers, pid=pid, **{"for": tag})
        for pid, status in _ended(running):
            _say(answers, pid=pid, status=status, **{"for": running.pop(pid)})


def _request(line):
    """(kind, directory, tag, further fields) of a line."""
    parts = line.split(b"\0")
    return parts[0], os.fsdecode(parts[1]), parts[2].decode("ascii"), [part.decode("ascii") for part in parts[3:]]


def _start(kind, directory, more, descriptors):
    """Forks a process for the probes of a request, or for a further warm parent. Returns its id."""
    with warnings.catch_warnings():
        # From 3.12 on a fork below threads warns; the imports made those threads and no lock of theirs is held.
        warnings.simplefilter("ignore")
        pid = own.fork()
    if pid:
        return pid
    try:
        for fd in descriptors:
            os.close(fd)
        processes.set_apart(os.path.join(directory, "output"))
        if kind == PARENT:
            os.chdir(directory)
            main(directory)
        processes.first_for_oom()
        specs, tokens = [harness.REGISTRY[id] for id in more[::2]], more[1::2]
        if len(specs) == 1:
            perform(specs[0], directory, tokens[0])
        _perform_all(specs, directory, tokens)
        own.leave(0)
    finally:
        own.leave(71)


def _ended(running):
    """(process id, wait status) of each of `running` that has ended."""
    found = []
    for pid in running:
        done, status = own.wait(pid, own.NOHANG)
        if done:
            found.append((pid, status))
    return found
