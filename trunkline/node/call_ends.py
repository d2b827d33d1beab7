"""What follows from the end of a call besides its record: its place in the edge's book is free, its cost is added up.

The SIP worker frees the place itself when it passes a BYE. The recorder does it for every end, which is harmless a
second time, so that a call that ended in another way (silence, a restart during its setup) does not hold its place for
good.
"""

from __future__ import annotations

from collections.abc import Collection

from trunkline.core.cdr import Cdr
from trunkline.engines.kamailio.call_book import CallBook
from trunkline.engines.kamailio.config import call_book_file, edge_name
from trunkline.node.call_ender import CallEnder
from trunkline.node.duration_watch import DurationWatch
from trunkline.node.spending_watch import SpendingWatch
from trunkline.settings import Settings
from trunkline.store.database import Database


class CallEnds:
    def __init__(self, settings: Settings, database: Database) -> None:
        """Raises OSError where the run folder cannot be written."""
        self._book = CallBook(call_book_file(settings))
        self._spending = SpendingWatch(database)
        self._durations = DurationWatch(database, edge_name(settings), CallEnder(settings))
        self._edges = {edge_name(settings)}

    def note(self, calls: Collection[Cdr]) -> None:
        """These calls are over, and stored."""
        for cdr in calls:
            if cdr.attempts:
                self._book.end(cdr.sid)
                self._edges.add(cdr.edge)
        self._spending.note_ended(calls)

    def look(self, now: float) -> None:
        """From time to time. `now`: monotonic seconds."""
        self._durations.look(now)
        self._spending.judge(sorted(self._edges), now)

    def close(self) -> None:
        self._book.close()
