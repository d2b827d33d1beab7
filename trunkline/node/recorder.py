"""The recorder program: what the edge wrote into the spool becomes calls, attempts and alerts of the store.

Every line is delivered at least once and stored exactly once (`store/call_log`). When a call is over, rtpengine is
told to let its media go and asked for the figures of it, here and not in the SIP worker that passed the BYE. While
the database is away the spool grows, and nothing is lost; without rtpengine, calls are stored without figures.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import json
import logging
import os
import re
import secrets
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeVar

from trunkline.core.call_counts import RECORDER_FILE, CallCounts
from trunkline.core.cdr import Cdr, add_figures
from trunkline.engines.rtpengine import ng
from trunkline.engines.rtpengine.figures import call_figures
from trunkline.node import program_log
from trunkline.node.call_ender import CallEnder
from trunkline.node.call_ends import CallEnds
from trunkline.node.call_ledger import CallLedger, Gathered
from trunkline.node.media_watch import MediaWatch
from trunkline.node.registration_watch import RegistrationWatch
from trunkline.node.spool_reader import Portion, SpoolReader
from trunkline.settings import Settings, SettingsError
from trunkline.store import schema
from trunkline.store.call_log import Batch, CallLog, CallsKnown, PositionMoved, RowRefused
from trunkline.store.database import open_database
from trunkline.store.errors import SchemaError, StoreUnavailable

EVERY = 0.15
"""Seconds between two looks at the spool: each one that finds something is one transaction."""
FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0
"""Seconds between two tries while the database is away: from the first to the longest, doubling."""
LAST_TRIES_SECONDS = 4.0
"""How long a stopping recorder waits for a database that is away; what is not stored by then stays in the spool."""
COUNTS_EVERY = 1.0
TIDY_EVERY = 5.0
"""Seconds between two looks for segments that can go."""

_SPOOL_NAME = re.compile("[0-9a-f]{32}")
_log = logging.getLogger("trunkline.recorder")
T = TypeVar("T")


class RecorderError(Exception):
    """The recorder cannot run; the text says why and what to do."""


class StoppedWaiting(Exception):
    """Told to stop while the database is away."""


class Media(Protocol):
    """What the recorder asks of rtpengine (`ng.NgClient`)."""

    def ask(self, requests: Iterable[ng.Request]) -> dict[str, ng.Reply]: ...


class Stop(Protocol):
    """Told to stop? (`StopSign`)"""

    @property
    def given(self) -> bool: ...
    def wait(self, seconds: float) -> None: ...


class StopSign:
    """SIGTERM and SIGINT: asks to stop, and ends a wait at once. A second one ends the process."""

    def __init__(self) -> None:
        self._given = False
        self._read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: object) -> None:
        if self._given:
            os._exit(128 + number)
        self._given = True

    @property
    def given(self) -> bool:
        return self._given

    def wait(self, seconds: float) -> None:
        if not self._given:
            select.select([self._read], [], [], seconds)


class Found(Enum):
    """What one look at the spool found."""

    NOTHING = "nothing"
    ALL = "all"
    """What there was is stored."""
    MORE = "more"
    """One portion is stored; the next one is there already."""


class Recorder:
    """One spool, one store, one rtpengine."""

    def __init__(
        self, log: CallLog, reader: SpoolReader, spool: str, media: Media, stop: Stop, counts_file: Path | None = None
    ) -> None:
        """`counts_file`: where the counters for /metrics go, once a second."""
        self._log = log
        self._reader = reader
        self._media = media
        self._stop = stop
        self._ledger = CallLedger(log, spool, time.monotonic())
        self._tidy_at = 0.0
        self._give_up_at: float | None = None
        self._media_silent = False
        self.counts = CallCounts()
        self._counts_file = counts_file
        self.ends: CallEnds | None = None
        self.watch: MediaWatch | None = None
        self.look_at_registrations: Callable[[float], None] = lambda _now: None
        self._counts_at = 0.0

    def run(self) -> None:
        """Record until told to stop, and then what the spool still holds."""
        try:
            while True:
                found = self.step()
                if found is Found.NOTHING and self._stop.given:
                    return
                if found is not Found.MORE and not self._stop.given:
                    self._tidy()
                    self._write_counts()
                    if self.ends is not None:
                        self.ends.look(time.monotonic())
                    self.look_at_registrations(time.monotonic())
                    if self.watch is not None:
                        self._patiently(lambda: self.watch and self.watch.step(time.time()))
                    self._stop.wait(EVERY)
        except StoppedWaiting:
            left = self._reader.unread_bytes()
            _log.warning("stopped while the database is away: %d bytes of the spool wait for the next start", left)

    def step(self) -> Found:
        """Store what is new, up to one portion."""
        portion = self._reader.read(time.time())
        if not portion.read_to:
            return Found.NOTHING
        try:
            self._store(portion)
        except PositionMoved as problem:
            # Somebody stored a part of this spool meanwhile, or the database is another one: go by what it says now.
            _log.error("reading the spool anew: %s", problem)
            self._ledger.clear()
            self._reader.start_again(self._patiently(self._log.offsets))
            self._stop.wait(1.0)
            return Found.MORE
        return Found.MORE if portion.more else Found.ALL

    def _store(self, portion: Portion) -> None:
        gathered = self._patiently(lambda: self._ledger.gather(portion))
        for bad in gathered.bad:
            _log.error("%s byte %d: %s: moved to rejected.jsonl", bad.segment, bad.offset, bad.problem)
            self._reader.reject(bad)
        to_forget = self._ask_figures(gathered.over)
        try:
            self._patiently(lambda: self._log.store(self._batch(gathered, portion)))
        except CallsKnown:
            _log.warning("a part of the spool was stored before: its calls are completed, not doubled")
            self._patiently(lambda: self._ledger.reconcile(gathered, portion))
            self._patiently(lambda: self._log.store(self._batch(gathered, portion)))
        except RowRefused as problem:
            _log.error("storing call by call: %s", problem)
            for sid, why in self._patiently(lambda: self._log.store_each(self._batch(gathered, portion))):
                refused = gathered.calls.get(sid)
                _log.error("%s is not stored: %s", sid, why, extra=program_log.of(refused) if refused else None)
                self._reader.reject_record(sid, why, refused)
        self._reader.done(portion)
        self._ledger.committed(gathered, time.monotonic())
        self.counts.note_ended(gathered.over)
        if self.ends is not None:
            self.ends.note(gathered.over)
        self.counts.note_alerts(gathered.alerts)
        if to_forget:
            self._media.ask(to_forget)

    def _batch(self, gathered: Gathered, portion: Portion) -> Batch:
        return Batch(
            before=self._reader.read_to,
            after=portion.read_to,
            new_calls=list(gathered.new.values()),
            renewed_calls=list(gathered.renewed.values()),
            known_calls=list(gathered.known.values()),
            alerts=gathered.alerts,
        )

    def _ask_figures(self, over: list[Cdr]) -> list[ng.Request]:
        """Let the media of these calls go, their figures into the records; what to ask once those are stored."""
        asked: list[tuple[ng.Request, Cdr]] = []
        later: list[ng.Request] = []
        for cdr in over:
            if not cdr.attempts or not cdr.sip_call_id:
                continue  # refused: there was no media
            if cdr.from_tag:
                asked.append((ng.delete_request(cdr.sid, ng.media_id(cdr.sid), cdr.from_tag), cdr))
            else:  # an earlier recorder saw the INVITE, and the store does not keep tags
                asked.append((ng.query_request(cdr.sid, ng.media_id(cdr.sid)), cdr))
                later.append(ng.forget_request(cdr.sid, ng.media_id(cdr.sid)))
        if asked:
            replies = self._media.ask(request for request, _ in asked)
            for request, cdr in asked:
                _add_figures(cdr, replies.get(request.cookie))
            self._say_whether_media_answers(silent=len(replies) < len(asked))
        return later

    def _say_whether_media_answers(self, *, silent: bool) -> None:
        if silent and not self._media_silent:
            _log.warning("rtpengine does not answer: calls are stored without media figures")
        elif self._media_silent and not silent:
            _log.info("rtpengine answers again")
        self._media_silent = silent

    def _patiently(self, action: Callable[[], T]) -> T:
        """The action, tried until the database is there. Raises StoppedWaiting."""
        wait = FIRST_WAIT
        while True:
            try:
                done = action()
            except StoreUnavailable as problem:
                if wait == FIRST_WAIT:
                    _log.warning("the spool keeps the calls until the database is back: %s", problem)
                self._wait_for_database(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                if wait > FIRST_WAIT:
                    _log.info("storing calls again")
                return done

    def _wait_for_database(self, seconds: float) -> None:
        now = time.monotonic()
        if self._stop.given:
            self._give_up_at = self._give_up_at or now + LAST_TRIES_SECONDS
            if now >= self._give_up_at:
                raise StoppedWaiting
            time.sleep(FIRST_WAIT)
        else:
            self._stop.wait(seconds)

    def _write_counts(self) -> None:
        now = time.monotonic()
        if self._counts_file is None or now < self._counts_at:
            return
        self._counts_at = now + COUNTS_EVERY
        text = json.dumps(self.counts.as_json() | {"read_to": dict(self._reader.read_to)})
        new = self._counts_file.with_suffix(".new")
        try:
            new.write_text(text)
            new.replace(self._counts_file)
        except OSError as problem:
            _log.debug("no counters for /metrics: %s", problem)

    def _tidy(self) -> None:
        now = time.monotonic()
        if now < self._tidy_at:
            return
        self._tidy_at = now + TIDY_EVERY
        self._ledger.evict(time.time())
        old = self._reader.removable(time.time())
        if old:
            self._patiently(lambda: self._log.forget(old))
            self._reader.remove(old)


def _add_figures(cdr: Cdr, reply: ng.Reply | None) -> None:
    figures = call_figures(reply, cdr.from_tag) if reply else None
    if figures is None:
        return
    caller, callee = figures
    if cdr.answered_us is not None or caller.packets or callee.packets:
        add_figures(cdr, caller, callee)


# --- the program ---


def record(settings: Settings) -> None:
    """Record the spool of this home until SIGTERM. Raises RecorderError."""
    stop = StopSign()
    folder = settings.spool_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _lock(folder)
    database = open_database(settings)
    ends = CallEnds(settings, database)
    try:
        with ng.NgClient(_ng_port(settings)) as media:
            spool = _spool_name(folder)
            log = CallLog(database, spool)
            stored = _first_look(log, lambda: schema.upgrade(database.engine.url), stop)
            # The modules' objects stay for good: the collector need not walk them again and again (30 us per call).
            gc.freeze()
            if stored is not None:
                counts = settings.run_dir / RECORDER_FILE
                recorder = Recorder(log, SpoolReader(folder, stored), spool, media, stop, counts)
                recorder.ends = ends
                recorder.look_at_registrations = RegistrationWatch(settings).look
                recorder.watch = MediaWatch(media, log.answered, CallEnder(settings), settings.media_timeout)
                recorder.run()
    finally:
        ends.close()
        database.close()
        os.close(lock)


def _first_look(log: CallLog, upgrade: Callable[[], object], stop: Stop) -> dict[str, int] | None:
    """What the store has of the spool, once there is a store; None: told to stop before."""
    wait = FIRST_WAIT
    while not stop.given:
        try:
            upgrade()
            return log.offsets()
        except (StoreUnavailable, SchemaError) as problem:
            if wait == FIRST_WAIT:
                _log.warning("the spool keeps the calls until the database can be used: %s", problem)
            stop.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
    return None


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / "recorder.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise RecorderError(f"another recorder reads {folder}: stop it, or use another --home") from None
    return descriptor


def _spool_name(folder: Path) -> str:
    """The spool's own name, made with it: another spool in the same place, later, is another spool."""
    path = folder / "name"
    try:
        found = path.read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        found = ""
    if not _SPOOL_NAME.fullmatch(found):
        found = secrets.token_hex(16)
        new = path.with_name("name.new")
        new.write_text(f"{found}\n")
        new.replace(path)
    return found


def _ng_port(settings: Settings) -> int:
    try:
        return int(json.loads(settings.ports_file.read_text())["ng"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise RecorderError(
            f"{settings.ports_file} does not say where rtpengine listens ({problem}): start it with `trunkline up`"
        ) from None


def main() -> int:
    parser = argparse.ArgumentParser("python -m trunkline.node.recorder", description="Stores what the edge spooled.")
    parser.add_argument("--home", help="the node's home folder (TRUNKLINE_HOME)")
    parser.add_argument("--database-url", help="where to store (TRUNKLINE_DATABASE_URL)")
    try:
        settings = Settings.load(vars(parser.parse_args()), os.environ)
        program_log.start(settings)
        record(settings)
    except (SettingsError, RecorderError) as problem:
        print(f"recorder: {problem}", file=sys.stderr)  # noqa: T201  its one line of output
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
