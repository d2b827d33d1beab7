"""What the tests of the recorder share: calls of every kind, what must be stored of them, and the program itself."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from spool_events import CallEvents, Event
from sqlalchemy import func, select

from trunkline.core.call_alerts import alerts_of_call
from trunkline.core.cdr import Cdr, cdr_of
from trunkline.store.call_log import CallLog
from trunkline.store.database import Database, open_engine
from trunkline.store.models import Alert, Attempt, Call

WITHIN = 20.0  # seconds


def story(number: int, at: float) -> list[Event]:
    """The events of one call; which kind it is follows from its number."""
    call, pbx = CallEvents(number, at=at), CallEvents(number, at=at, origination=True)
    kinds = [
        call.completed(ring=0.1, answer=0.3, end=0.9),
        call.busy(),
        [call.rejected()],
        [call.invite(), call.ringing(0.2), *call.canceled(0.5)],
        [call.invite(), call.attempt_failed(0.1, 503, goes_on=True, why="503: the carrier failed"),
         call.attempt(0.1, 1), call.ringing(0.2, 1), call.answered(0.4, 1), call.bye(0.8, "callee", "Q.850;cause=16")],
        [pbx.invite(), pbx.attempt_failed(0.4, 408, goes_on=True, why="nothing came back in time"), pbx.attempt(0.4, 1),
         pbx.attempt_failed(0.5, 477, 1, why="it never left this machine"),
         pbx.final(0.5, 480, cause="ORIGINATION_EXHAUSTED", error_code=32010)],
    ]  # fmt: skip
    return kinds[number % len(kinds)]


def expected(stories: Iterable[list[Event]]) -> tuple[dict[str, Cdr], set[str]]:
    """Calls by SID, and SIDs of the alerts."""
    calls, alerts = {}, set()
    for events in stories:
        cdr = cdr_of(events)
        calls[cdr.sid] = replace(cdr, from_tag=None)
        alerts |= {alert.sid for event in events for alert in alerts_of_call(cdr, event)}
    return calls, alerts


def stored(url: str, spool: str = "test") -> tuple[dict[str, Cdr], set[str]]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            sids = list(connection.scalars(select(Call.sid)))
            alerts = list(connection.scalars(select(Alert.sid)))
            attempts = connection.scalar(select(func.count()).select_from(Attempt))
        calls = CallLog(Database(engine), spool).load(sids)
    finally:
        engine.dispose()
    assert len(set(sids)) == len(sids)
    assert len(set(alerts)) == len(alerts)
    assert attempts == sum(len(cdr.attempts) for cdr in calls.values())
    return calls, set(alerts)


class Program:
    """`python -m trunkline.node.recorder`, ended by its id."""

    def __init__(self, home: Path, ng_port: int, url: str | None = None) -> None:
        self.home = home
        self.url = url or f"sqlite:///{home / 'trunkline.db'}"
        (home / "run").mkdir(parents=True, exist_ok=True)
        (home / "spool").mkdir(exist_ok=True)
        (home / "run" / "ports.json").write_text(json.dumps({"ng": ng_port}))
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  for as long as the program
        self._told = ""

    def start(self) -> None:
        argv = [sys.executable, "-m", "trunkline.node.recorder", "--home", str(self.home), "--database-url", self.url]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
        self._process = subprocess.Popen(argv, stderr=self._log, env=environ)

    @property
    def log(self) -> str:
        """What it has written so far, over all its starts."""
        return self._told if self._log.closed else os.pread(self._log.fileno(), 2**24, 0).decode()

    def end(self, number: int, within: float = WITHIN) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.wait(within)

    def wait(self, within: float = WITHIN) -> int:
        assert self._process is not None
        return self._process.wait(within)

    def cpu(self) -> float:
        """Seconds of CPU that the process has used."""
        assert self._process is not None
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._told = self.log
        self._log.close()

    def count(self, model: type[Call | Alert] = Call) -> int:
        """Rows, 0 while there is no table yet."""
        path = self.url.partition("///")[2]
        if not Path(path).exists():
            return 0
        with sqlite3.connect(path, timeout=10) as connection:
            try:
                return int(connection.execute(f"SELECT count(*) FROM {model.__tablename__}").fetchone()[0])
            except sqlite3.OperationalError:
                return 0


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, f"waited {WITHIN} s for {what}"
        time.sleep(0.03)
