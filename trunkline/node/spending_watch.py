"""The recorder's look at money: calls are added up, those that are up with what they have cost so far, and at the cap
of the day an account's trunks close.

The call path only reads a flag, which the publisher carries there like everything else. The sums of calls that
are over live in memory; a recorder that starts asks the store for them once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from trunkline.core.cdr import Cdr
from trunkline.core.decision import TERMINATION
from trunkline.store.database import Database
from trunkline.store.errors import StoreUnavailable
from trunkline.store.spending import Usage, day_of, judge_spending, usage_of_day, usage_of_running

EVERY = 2.0
"""Seconds between two looks: by so much, and the publisher's moment, an account can overrun its cap."""
QUIET_EVERY = 10.0
"""The same where no call has ended meanwhile: what calls that are up cost goes on, caps may have been changed, and days
end.
"""

_log = logging.getLogger("trunkline.recorder")


class SpendingWatch:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._day = 0
        self._used: dict[str, dict[str, Usage]] = {}
        """By edge and account: what was used of this day."""
        self._dirty = False
        self._next = 0.0
        self._next_quiet = 0.0

    def note_ended(self, calls: Iterable[Cdr]) -> None:
        """Calls that are over now, and stored."""
        for cdr in calls:
            if cdr.answered_us is None or cdr.direction != TERMINATION or cdr.account_sid is None or not cdr.duration:
                continue
            self._dirty = True
            of_edge = self._used.get(cdr.edge)
            if of_edge is None or day_of(cdr.ended_us or 0) != self._day:
                continue  # `judge` asks the store
            before = of_edge.get(cdr.account_sid, Usage())
            of_edge[cdr.account_sid] = before.plus(cdr.duration, cdr.price_micros)

    def judge(self, edges: Iterable[str], now: float) -> None:
        """Every few seconds: set and take back the flags. `edges`: whose calls this recorder stores; `now`: monotonic.

        A database that is away leaves everything as it is.
        """
        if now < self._next or (not self._dirty and now < self._next_quiet):
            return
        self._next, self._next_quiet = now + EVERY, now + QUIET_EVERY
        self._dirty = False
        try:
            self._judge(edges)
        except StoreUnavailable as problem:
            self._dirty = True
            _log.debug("spending is not judged: %s", problem)

    def _judge(self, edges: Iterable[str]) -> None:
        today = day_of(time.time_ns() // 1000)
        if today != self._day:
            self._day, self._used = today, {}
        for edge in edges:
            if edge not in self._used:
                self._used[edge] = usage_of_day(self._database, edge, today)
            used = dict(self._used[edge])
            for sid, running in usage_of_running(self._database, edge, time.time_ns() // 1000).items():
                used[sid] = used.get(sid, Usage()).and_also(running)
            for sid in judge_spending(self._database, edge, today, used):
                _log.info("account %s has reached or left its spending cap of the day", sid)
