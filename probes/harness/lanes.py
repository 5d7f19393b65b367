"""Several probes at a time in one process: each is a generator that yields what it waits for.

Standard library only, CPython 3.6 to 3.14.
"""

import collections
import os
import select
import time

Wait = collections.namedtuple("Wait", "done deadline sources")
"""What a generator yields: it goes on when `done()` holds (True is sent) or at `deadline` (False is sent).

Meanwhile `sources` are read.
"""

ALONE = object()
"""What a generator yields that must have the process to itself from here to its end."""


class _Lane(object):
    """A generator under way, and what it waits for."""

    def __init__(self, steps):
        self.steps = steps
        self.waits = None
        self.step(None)

    def step(self, answer):
        """Goes on to the next thing to wait for; `waits` is None once there is none."""
        try:
            self.waits = self.steps.send(answer)
        except StopIteration:
            self.waits = None


class Loop(object):
    """Carries generators out, `lanes` at a time.

    `collect()` is called before every look at what is done, `also()` gives further sources that are read all the
    while; a byte on `wakeup` ends a pause. `channel` sends its heartbeats from here.
    """

    def __init__(self, lanes, wakeup, collect, also, channel):
        self.lanes = lanes
        self.wakeup = wakeup
        self.collect = collect
        self.also = also
        self.channel = channel

    def run(self, tasks):
        """Runs every generator of `tasks`, begun in order."""
        tasks = collections.deque(tasks)
        active, alone = [], None
        while tasks or active:
            while tasks and len(active) < self.lanes and alone is None and not _asks_alone(active):
                active.append(_Lane(tasks.popleft()))
                active = [lane for lane in active if lane.waits is not None]
            if active and all(lane.waits is ALONE for lane in active):
                alone = active[0]
                alone.step(None)
            elif not self._go_on(active):
                self._read(active)
            active = [lane for lane in active if lane.waits is not None]
            if alone not in active:
                alone = None

    def _go_on(self, active):
        """Lets those go on whose wait is over. Returns whether any did."""
        self.collect()
        moved = False
        for lane in active:
            if lane.waits is None or lane.waits is ALONE:
                continue
            if lane.waits.done():
                lane.step(True)
                moved = True
            elif time.monotonic() >= lane.waits.deadline:
                lane.step(False)
                moved = True
        return moved

    def _read(self, active):
        """Reads whatever can be read until something may have changed."""
        waits = [lane.waits for lane in active if lane.waits is not ALONE]
        sources = [s for wait in waits for s in wait.sources]
        sources += [s for s in self.also() if s not in sources]
        # A pipe whose other end is closed is always readable: its owner's death is what is waited for then.
        open_ones = [s for s in sources if not getattr(s, "ended", False)]
        until = min([wait.deadline for wait in waits] + [self.channel.next_beat])
        for source in select.select([self.wakeup] + open_ones, [], [], max(until - time.monotonic(), 0))[0]:
            if source == self.wakeup:
                os.read(source, 4096)
            else:
                source.pump()
        self.channel.beat()


def _asks_alone(active):
    return any(lane.waits is ALONE for lane in active)
