"""The spool's writing end, inside every SIP process: one event, one `write()` to an append-only segment.

While the disk refuses (it is full), events wait in the process's memory, up to `MOST_WAITING` of them and `MOST_BYTES`;
they are written, oldest first, with the first event that comes `TRY_EVERY` seconds later. Calls go on meanwhile.

Runs inside Kamailio: standard library only. Format of the segments: docs/architecture.md, "The spool".
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

SEGMENT_SECONDS = 60
MOST_WAITING = 20_000
MOST_BYTES = 8 << 20
"""Of the 16 to 64 MB that a process may grow by; some 10,000 events, 2,500 calls, in each process."""
TRY_EVERY = 1.0
"""Seconds between two tries while the disk refuses."""


class Spool:
    """Appends events to `events-<unix minute>.jsonl`. A descriptor that a fork has shared does no harm: each write
    goes to the end.
    """

    def __init__(
        self,
        folder: Path,
        full: Callable[[float], str] | None = None,
        on_loss: Callable[[str, int], None] | None = None,
    ) -> None:
        """`full(now)` is the event that says so when the disk refuses; it is written once it can be. `on_loss` is told
        an event that is lost, and how many are by then.
        """
        self._folder = os.fspath(folder)
        self._full = full
        self._on_loss = on_loss
        self._from = self._until = 0.0
        """Of the segment that is open, Unix seconds."""
        self._descriptor = -1
        self._torn = False
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._try_at = 0.0
        self.lost = 0
        """Events that found neither the disk nor memory since the process started."""

    @property
    def waiting(self) -> int:
        """Events that wait for the disk."""
        return len(self._waiting)

    def append(self, event: str, now: float) -> bool:
        """Write one JSON object, without its newline, or keep it. False: it is lost, and the call goes on all the
        same.
        """
        if self._waiting:
            kept = self._keep(event)
            if now >= self._try_at or now < self._try_at - 2 * TRY_EVERY:  # the clock was set back
                self._write_waiting(now)
            return kept
        if self._write(event, now):
            return True
        if self._full is not None:
            self._keep(self._full(now))
        self._try_at = now + TRY_EVERY
        return self._keep(event)

    def forget_waiting(self) -> None:
        """In a process that was forked: another one has the same events, and writes them."""
        self._waiting.clear()
        self._waiting_bytes = 0

    def _keep(self, event: str) -> bool:
        if len(self._waiting) >= MOST_WAITING or self._waiting_bytes + len(event) > MOST_BYTES:
            self.lost += 1
            if self._on_loss is not None:
                self._on_loss(event, self.lost)
            return False
        self._waiting.append(event)
        self._waiting_bytes += len(event)
        return True

    def _write_waiting(self, now: float) -> None:
        while self._waiting:
            if not self._write(self._waiting[0], now):
                self._try_at = now + TRY_EVERY
                return
            self._waiting_bytes -= len(self._waiting.popleft())

    def _write(self, event: str, now: float) -> bool:
        try:
            if not self._from <= now < self._until or self._descriptor < 0:
                self._open(int(now) // SEGMENT_SECONDS)
            line = f"\n{event}\n" if self._torn else f"{event}\n"
            data = line.encode("utf-8", "surrogateescape")
            written = os.write(self._descriptor, data)
        except OSError:
            self._close()  # whatever stands there at the next try is opened anew
            return False
        # A full disk can take half a line: this one is written again then, on a line of its own.
        self._torn = written != len(data)
        return not self._torn

    def _open(self, minute: int) -> None:
        self._close()
        self._descriptor = os.open(
            f"{self._folder}/events-{minute}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._from = minute * SEGMENT_SECONDS
        self._until = self._from + SEGMENT_SECONDS

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
