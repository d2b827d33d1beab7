"""Ends calls that have lasted as long as their trunk lets a call last: on both sides, with 32015 in the record.

The store knows which calls are up, and what a BYE to either side needs (`call_ender`), so nothing of this is on the
call path, a limit that is changed holds for calls that are up, and it makes no difference what was restarted since the
answer.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

from trunkline.core.cause import Cause
from trunkline.core.cdr import Cdr
from trunkline.node import program_log
from trunkline.store.call_log import CallLog
from trunkline.store.database import Database
from trunkline.store.errors import StoreUnavailable
from trunkline.store.long_calls import too_long

EVERY = 1.0
"""Seconds between two looks."""
FORGET_AFTER = 60.0
"""Seconds after which a call that was ended and is still up in the store is ended again."""

_log = logging.getLogger("trunkline.recorder")


class Ender(Protocol):
    def end(self, cdr: Cdr, cause: Cause, limit: float) -> None: ...


class DurationWatch:
    def __init__(self, database: Database, edge: str, ender: Ender) -> None:
        """`edge`: whose calls (`calls.edge`)."""
        self._database = database
        self._calls = CallLog(database, "")
        self._edge = edge
        self._ender = ender
        self._ended: dict[str, float] = {}
        """SID → when; the record follows a moment later."""
        self._next = 0.0

    def look(self, now: float) -> None:
        """Every second. `now`: monotonic seconds. A database that is away leaves everything as it is."""
        if now < self._next:
            return
        self._next = now + EVERY
        self._ended = {sid: at for sid, at in self._ended.items() if now - at < FORGET_AFTER}
        try:
            found = too_long(self._database, self._edge, time.time_ns() // 1000)
            limits = {sid: longest for sid, longest in found if sid not in self._ended}
            calls = self._calls.load(limits) if limits else {}
        except StoreUnavailable as problem:
            _log.debug("durations are not looked at: %s", problem)
            return
        for sid, cdr in calls.items():
            self._ended[sid] = now
            _log.info("%s has lasted %d s: ending it on both sides", sid, limits[sid], extra=program_log.of(cdr))
            self._ender.end(cdr, Cause.MAX_DURATION, limits[sid])
