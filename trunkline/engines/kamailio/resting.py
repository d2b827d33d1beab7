"""Carrier targets that asked by 503 with Retry-After not to be called for a while: a file that the SIP workers share.

Runs inside Kamailio too: standard library and core only. Written when a carrier asks for it, which is rare; read when
it has changed.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

REST_FILE = "resting.json"
"""In the run folder, beside the state of the carriers."""


class Resting:
    """One process's view of the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = (0, 0)
        self._until: dict[str, float] = {}
        self._over_at = 0.0
        self._sids: frozenset[str] = frozenset()

    def sids(self, now: float) -> frozenset[str]:
        """Those that rest; the same object as long as they are the same. `now`: Unix seconds."""
        written = (0, 0)
        # Most nodes have no such file, and an exception takes four times as long as the question.
        if os.access(self._path, os.F_OK):
            try:
                found = os.stat(self._path)
                written = (found.st_ino, found.st_mtime_ns)
            except OSError:
                pass
        if written != self._written:
            self._written = written
            self._until = read(self._path, now)
        elif now < self._over_at or not self._sids:
            return self._sids
        self._until = {sid: until for sid, until in self._until.items() if until > now}
        self._over_at = min(self._until.values(), default=0.0)
        if self._until.keys() != self._sids:
            self._sids = frozenset(self._until)
        return self._sids

    def begin(self, sid: str, until: float, now: float) -> None:
        """It rests until then, whatever it said before. Raises OSError."""
        known = self._until.get(sid, 0.0)
        if now < known and abs(until - known) < 1.0:
            return  # the other calls of the same moment
        self._until[sid] = until
        with open(self._path.with_suffix(".lock"), "w") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps({**read(self._path, now), sid: until}))
            new.replace(self._path)


def read(path: Path, now: float) -> dict[str, float]:
    """Until when each rests, Unix seconds, by SID of the target. Without those whose time is over."""
    try:
        return {str(sid): float(until) for sid, until in json.loads(path.read_text()).items() if until > now}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # nobody has asked for it yet
