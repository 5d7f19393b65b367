"""What leaves the supervisor: JSON lines on one descriptor.

Standard library only, CPython 3.6 to 3.14.
"""

import json
import os
import time


class Channel(object):
    """Writes events to `fd`, numbered from 0, with the seconds since the channel was made."""

    def __init__(self, fd, heartbeat):
        self.fd = fd
        self.heartbeat = heartbeat
        self.started = time.monotonic()
        self.number = 0
        self.next_beat = self.started + heartbeat

    def emit(self, event, **fields):
        now = time.monotonic()
        line = {"seq": self.number, "t": round(now - self.started, 3), "event": event}
        line.update(fields)
        self.number += 1
        self.next_beat = now + self.heartbeat
        left = json.dumps(line, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
        while left:
            left = left[os.write(self.fd, left) :]

    def beat(self):
        """Sends a heartbeat where nothing else was sent for that long."""
        if time.monotonic() >= self.next_beat:
            self.emit("heartbeat")
