"""The publisher program: changes of the store reach routing.db within a fraction of a second.

While the database is away calls go on with what routing.db holds, and the publisher tries again, ever more slowly.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from trunkline.node import program_log
from trunkline.node.carrier_watch import CarrierWatch
from trunkline.settings import Settings
from trunkline.store import schema
from trunkline.store.database import open_database
from trunkline.store.errors import RoutingDbUnusable, SchemaError, StoreUnavailable
from trunkline.store.publish import Publisher

EVERY = 0.1
"""Seconds between two looks at the change log."""
LONGEST_WAIT = 5.0
"""Seconds between two tries while the database is away."""

_log = logging.getLogger("trunkline.publisher")


class PublisherProgram:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._wait = EVERY
        self._publisher: Publisher | None = None

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Publish until `stop`."""
        database = open_database(self._settings)
        watch = threading.Thread(target=CarrierWatch(self._settings).run, args=(self._stop,), daemon=True)
        watch.start()
        try:
            while not self._stop.is_set():
                try:
                    if self._publisher is None:
                        # The database was perhaps away when the node started: then this is where it gets its tables.
                        schema.upgrade(database.engine.url)
                        self._publisher = Publisher(database.engine, self._settings.routing_db)
                    self._publish(self._publisher)
                except (StoreUnavailable, RoutingDbUnusable, SchemaError) as problem:
                    self._slow_down(problem)
                self._stop.wait(self._wait)
        finally:
            watch.join(3.0)
            if self._publisher is not None:
                self._publisher.close()
            database.close()

    def _publish(self, publisher: Publisher) -> None:
        taken = publisher.publish()
        if self._wait > EVERY:
            _log.info("publishing again")
        self._wait = EVERY
        if taken:
            _log.info("published %d changes, now at %s", taken, publisher.position())

    def _slow_down(self, problem: Exception) -> None:
        if self._wait == EVERY:  # said once, not at every try
            _log.warning("not publishing, calls go on with what routing.db holds: %s", problem)
        self._wait = min(self._wait * 2, LONGEST_WAIT)


def main() -> int:
    settings = Settings.load({}, os.environ)
    program_log.start(settings)
    program = PublisherProgram(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: program.stop())
    program.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
