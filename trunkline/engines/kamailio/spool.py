"""The spool's writing end, inside every SIP process: one event, one `write()` to an append-only segment.

Runs inside Kamailio: standard library only. Format of the segments: docs/architecture.md, "The spool".
"""

from __future__ import annotations

import os
from pathlib import Path

SEGMENT_SECONDS = 60


class Spool:
    """Appends events to `events-<unix minute>.jsonl`. A descriptor that a fork has shared does no harm: each write
    goes to the end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.fspath(folder)
        self._minute = 0
        self._descriptor = -1
        self._torn = False
        self.lost = 0
        """Events that could not be written since the process started (disk full)."""

    def append(self, event: str, now: float) -> bool:
        """Write one JSON object, without its newline. False when the disk refused it: the call goes on all the same."""
        minute = int(now) // SEGMENT_SECONDS
        try:
            if minute != self._minute or self._descriptor < 0:
                self._open(minute)
            line = f"\n{event}\n" if self._torn else f"{event}\n"
            data = line.encode("utf-8", "surrogateescape")
            written = os.write(self._descriptor, data)
        except OSError:
            self.lost += 1
            return False
        # A full disk can take half a line: the next event then starts on a line of its own, so only this one is lost.
        self._torn = written != len(data)
        self.lost += self._torn
        return not self._torn

    def _open(self, minute: int) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._descriptor = os.open(
            f"{self._folder}/events-{minute}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._minute = minute
