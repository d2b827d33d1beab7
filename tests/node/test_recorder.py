"""The recorder: with crashes at every point (in process), and as a program that is killed, stopped and cut off."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from postgres import PostgresServer
from real_rtpengine import Endpoint, RealRtpengine, free_port, talk
from spool_events import ANSWER_SDP, CallEvents, Event, as_line, edge_alert, edge_started, write_spool
from sqlalchemy import func, select

from trunkline.core.call_alerts import alerts_of_call
from trunkline.core.cdr import Cdr, cdr_of
from trunkline.engines.rtpengine.ng import NgClient, Reply, Request
from trunkline.node.recorder import Found, Recorder
from trunkline.node.spool_reader import SpoolReader
from trunkline.store import schema
from trunkline.store.call_log import Batch, CallLog
from trunkline.store.database import Database, open_engine
from trunkline.store.errors import StoreUnavailable
from trunkline.store.models import Alert, Attempt, Call, SpoolPosition

WITHIN = 20.0  # seconds


# --- calls of every kind, and what has to be stored of them


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


# --- in process


class Stop:
    given = False

    def wait(self, seconds: float) -> None:
        raise AssertionError(f"waits for {seconds} s")


class NoMedia:
    """rtpengine does not know any call."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def ask(self, requests: Iterable[Request]) -> dict[str, Reply]:
        asked = list(requests)
        self.asked += asked
        return {request.cookie: {"result": "ok", "warning": "Call-ID not found"} for request in asked}


class Crash(BaseException):
    """As SIGKILL: nothing catches it."""


class FragileLog(CallLog):
    """Crashes at the n-th commit, either before it or after it."""

    crash_at: int | None = None
    commits = 0

    def store(self, batch: Batch) -> None:
        mine = self.commits
        self.commits += 1
        if self.crash_at is not None and mine == self.crash_at // 2:
            if self.crash_at % 2 == 0:
                raise Crash
            super().store(batch)
            raise Crash
        super().store(batch)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'trunkline.db'}"
    schema.upgrade(url)
    return url


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


def run_to_the_end(log: CallLog, folder: Path, limit: int | None = None) -> Recorder:
    reader = SpoolReader(folder, log.offsets())
    if limit is not None:
        whole = reader.read
        reader.read = lambda now, _limit=0: whole(now, limit)  # type: ignore[method-assign]
    recorder = Recorder(log, reader, "test", NoMedia(), Stop())
    while recorder.step() is not Found.NOTHING:
        pass
    return recorder


def test_a_crash_before_or_after_any_commit_changes_nothing(tmp_path: Path, spool: Path) -> None:
    stories = [story(number, 1_760_000_000 + number / 10) for number in range(12)]
    write_spool(spool, sorted((event for events in stories for event in events), key=lambda event: event["at"]))
    crashes = 0
    schema.upgrade(f"sqlite:///{tmp_path / 'empty.db'}")
    for crash_at in range(40):
        shutil.copy(tmp_path / "empty.db", tmp_path / f"{crash_at}.db")
        url = f"sqlite:///{tmp_path / f'{crash_at}.db'}"
        engine = open_engine(url)
        log = FragileLog(Database(engine), "test")
        log.crash_at = crash_at
        try:
            run_to_the_end(log, spool, limit=700)
        except Crash:
            crashes += 1
            run_to_the_end(CallLog(Database(engine), "test"), spool, limit=900)
        engine.dispose()
        assert stored(url) == expected(stories), f"crash {crash_at}"
    assert crashes > 20


def test_everything_read_again_changes_nothing(url: str, spool: Path) -> None:
    """The database was kept and its positions were not: delivered twice, stored once."""
    stories = [story(number, 1_760_000_000 + number) for number in range(30)]
    write_spool(spool, [event for events in stories for event in events])
    engine = open_engine(url)
    for name in ("one", "two", "three"):
        run_to_the_end(CallLog(Database(engine), name), spool, limit=1500)
    engine.dispose()
    assert stored(url) == expected(stories)


def test_another_recorder_at_work_is_noticed(url: str, spool: Path) -> None:
    class Patient(Stop):
        def wait(self, seconds: float) -> None:
            pass

    engine = open_engine(url)
    log = CallLog(Database(engine), "test")
    stories = [story(number, 1_760_000_000 + number) for number in range(6)]
    write_spool(spool, stories[0])
    slow = Recorder(log, SpoolReader(spool, {}), "test", NoMedia(), Patient())
    run_to_the_end(log, spool)
    write_spool(spool, [event for events in stories[1:] for event in events])
    while slow.step() is not Found.NOTHING:
        pass
    engine.dispose()
    assert stored(url) == expected(stories)


def test_media_is_released_once_per_call(url: str, spool: Path) -> None:
    engine = open_engine(url)
    log = CallLog(Database(engine), "test")
    media = NoMedia()
    recorder = Recorder(log, SpoolReader(spool, {}), "test", media, Stop())
    known, refused, earlier = CallEvents(1), CallEvents(2), CallEvents(3)
    log.store(Batch({}, {}, new_calls=[cdr_of([earlier.invite()])]))
    write_spool(spool, [*known.completed(), known.bye(13), refused.rejected(), earlier.final(1, 480)])
    while recorder.step() is not Found.NOTHING:
        pass
    write_spool(spool, [known.bye(14)])
    recorder.step()
    engine.dispose()
    bodies = [
        (request.body["command"], request.body["call-id"], request.body.get("from-tag")) for request in media.asked
    ]
    assert bodies == [("delete", "call-1@pbx", "tag1"), ("query", "call-3@pbx", None), ("delete", "call-3@pbx", None)]


def test_outage_waits_and_loses_nothing(url: str, spool: Path) -> None:
    waits: list[float] = []

    class Waiting(Stop):
        def wait(self, seconds: float) -> None:
            waits.append(seconds)

    class Away(CallLog):
        def store(self, batch: Batch) -> None:
            if len(waits) < 9:
                raise StoreUnavailable("away")
            super().store(batch)

    engine = open_engine(url)
    write_spool(spool, story(0, 1_760_000_000))
    media = NoMedia()
    recorder = Recorder(Away(Database(engine), "test"), SpoolReader(spool, {}), "test", media, Waiting())
    recorder.step()
    engine.dispose()
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert len(media.asked) == 1
    assert stored(url) == expected([story(0, 1_760_000_000)])


# --- as a program


class Program:
    """`python -m trunkline.node.recorder`, ended by its id."""

    def __init__(self, home: Path, ng_port: int, url: str | None = None) -> None:
        self.home = home
        self.url = url or f"sqlite:///{home / 'trunkline.db'}"
        (home / "run").mkdir(parents=True, exist_ok=True)
        (home / "spool").mkdir(exist_ok=True)
        (home / "run" / "ports.json").write_text(json.dumps({"ng": ng_port}))
        self._process: subprocess.Popen[str] | None = None
        self.log = ""

    def start(self) -> None:
        argv = [sys.executable, "-m", "trunkline.node.recorder", "--home", str(self.home), "--database-url", self.url]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
        self._process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environ)

    def end(self, number: int, within: float = WITHIN) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.wait(within)

    def wait(self, within: float = WITHIN) -> int:
        assert self._process is not None
        self.log += self._process.communicate(timeout=within)[1]
        return self._process.returncode

    def cpu(self) -> float:
        """Seconds of CPU that the process has used."""
        assert self._process is not None
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

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


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    started = Program(tmp_path / "a home", free_port())
    yield started
    started.close()


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, f"waited {WITHIN} s for {what}"
        time.sleep(0.03)


def test_reads_the_rest_at_sigterm_and_exits_0(program: Program) -> None:
    spool = program.home / "spool"
    now = time.time()
    write_spool(spool, story(0, now))
    program.start()
    wait_for(lambda: program.count() == 1, "the first call")
    stories = [story(number, now) for number in range(60)]
    write_spool(spool, [event for events in stories[1:] for event in events])
    assert program.end(signal.SIGTERM) == 0
    assert stored(program.url) == expected(stories)
    assert "does not answer" in program.log  # rtpengine, which is not there
    for line in program.log.splitlines():
        assert json.loads(line)["level"] in ("info", "warning")


def test_bad_lines_are_put_aside_with_an_alert(program: Program) -> None:
    spool = program.home / "spool"
    now = time.time()
    with (spool / f"events-{int(now) // 60}.jsonl").open("ab") as segment:
        for line in (b"rubbish\n", as_line(edge_started(now)), as_line(CallEvents(9).invite() | {"verdict": "maybe"})):
            segment.write(line)
    write_spool(spool, story(0, now))
    program.start()
    wait_for(lambda: program.count() == 1, "the call behind the bad lines")
    assert program.count(Alert) == 2
    assert program.end(signal.SIGTERM) == 0
    assert len((spool / "rejected.jsonl").read_text().splitlines()) == 2
    assert stored(program.url)[0] == expected([story(0, now)])[0]
    assert program.log.count("moved to rejected.jsonl") == 2


def test_old_segments_go(program: Program) -> None:
    spool = program.home / "spool"
    write_spool(spool, [*story(0, time.time()), *story(1, time.time() - 600), edge_alert(time.time() - 200)])
    assert len(list(spool.glob("events-*"))) >= 3
    program.start()
    wait_for(lambda: program.count() == 2 and len(list(spool.glob("events-*"))) <= 2, "the removal")
    assert program.end(signal.SIGTERM) == 0
    with sqlite3.connect(program.home / "trunkline.db") as connection:
        left = {row[0] for row in connection.execute(f"SELECT segment FROM {SpoolPosition.__tablename__}")}
    assert left == {path.name for path in spool.glob("events-*")}


def test_only_one_recorder_per_spool(program: Program) -> None:
    write_spool(program.home / "spool", story(0, time.time()))
    program.start()
    wait_for(lambda: program.count() == 1, "the first call")
    second = Program(program.home, free_port())
    second.start()
    assert second.wait() == 2
    assert second.log.startswith("recorder: another recorder reads ")
    assert len(second.log.splitlines()) == 1
    assert program.end(signal.SIGTERM) == 0


def test_without_ports_it_says_what_to_do(program: Program) -> None:
    (program.home / "run" / "ports.json").unlink()
    program.start()
    assert program.wait() == 2
    assert "trunkline up" in program.log
    assert len(program.log.splitlines()) == 1


def test_killed_again_and_again(program: Program) -> None:
    """kill -9 in the middle while events come: nothing is missing, nothing is doubled."""
    dice = random.Random(7)
    spool = program.home / "spool"
    stories: list[list[Event]] = []
    done = threading.Event()

    def write() -> None:
        for number in range(100_000):
            if done.is_set():
                break
            stories.append(story(number, time.time()))
            write_spool(spool, stories[-1])
            time.sleep(0.004)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            before = program.count()
            program.start()
            wait_for(lambda before=before: program.count() > before, "something stored")
            time.sleep(dice.uniform(0, 0.25))
            assert program.end(signal.SIGKILL) == -9
    finally:
        done.set()
        writer.join()
    program.start()
    wait_for(lambda: program.count() == len(stories), "all calls")
    assert program.end(signal.SIGTERM) == 0
    assert stored(program.url) == expected(stories)
    print(f"\n{len(stories)} calls, killed 4 times")  # noqa: T201  a measurement


@pytest.mark.postgresql
def test_database_outage_while_calls_come(tmp_path: Path) -> None:
    with PostgresServer() as server:
        program = Program(tmp_path / "home", free_port(), server.create_database())
        spool = program.home / "spool"
        stories: list[list[Event]] = []

        def write(count: int) -> None:
            for _ in range(count):
                stories.append(story(len(stories), time.time()))
                write_spool(spool, stories[-1])
                time.sleep(0.004)

        try:
            program.start()
            write(50)
            wait_for(lambda: (_count_or_none(program.url) or 0) > 10, "the first calls")
            write(50)
            server.stop()
            write(400)
            server.start()
            write(100)
            wait_for(lambda: _count_or_none(program.url) == len(stories), "all calls")
            assert program.end(signal.SIGTERM) == 0
            assert stored(program.url) == expected(stories)
        finally:
            program.close()
    assert program.log.count("until the database is back") == 1
    assert "storing calls again" in program.log
    assert "Traceback" not in program.log


@pytest.mark.postgresql
def test_stops_in_time_while_the_database_is_away(tmp_path: Path) -> None:
    with PostgresServer() as server:
        program = Program(tmp_path / "home", free_port(), server.create_database())
        try:
            write_spool(program.home / "spool", story(0, time.time()))
            program.start()
            wait_for(lambda: _count_or_none(program.url) == 1, "the first call")
            server.stop()
            write_spool(program.home / "spool", story(1, time.time()))
            started = time.monotonic()
            assert program.end(signal.SIGTERM) == 0
            assert time.monotonic() - started < 8
            assert "wait for the next start" in program.log
            server.start()
            program.start()
            wait_for(lambda: _count_or_none(program.url) == 2, "the call of the outage")
            assert program.end(signal.SIGTERM) == 0
        finally:
            program.close()


def _count_or_none(url: str) -> int | None:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(Call))
    except Exception:  # noqa: BLE001  no table yet
        return None
    finally:
        engine.dispose()


# --- with a real rtpengine

FIGURES = [field.name for field in fields(Cdr) if field.name.startswith(("customer_", "carrier_"))]


@pytest.mark.live
def test_figures_of_a_real_call(tmp_path: Path) -> None:
    caller, callee = Endpoint(1111, drop=lambda number: number % 10 == 3), Endpoint(2222)
    with RealRtpengine() as rtpengine:
        program = Program(tmp_path / "home", rtpengine.ng_port)
        try:
            program.start()
            call = CallEvents(1, at=time.time())
            rtpengine.connect("call-1@pbx", caller, callee)
            invite = call.invite() | {"from_tag": "from"}
            write_spool(program.home / "spool", [invite, call.answered(0.1)])
            talk(caller, callee, packets=260, report_every=120)
            caller.report()
            callee.report()
            write_spool(program.home / "spool", [call.bye(3)])
            wait_for(lambda: rtpengine.client.calls() == [], "the end of the media")
            wait_for(lambda: _status(program) == "completed", "the record")
            assert program.end(signal.SIGTERM) == 0
        finally:
            program.close()
    (cdr,) = stored(program.url)[0].values()
    assert (cdr.customer_packets, cdr.carrier_packets) == (234, 260)
    assert (cdr.customer_lost, cdr.carrier_lost) == (26, 0)
    assert (cdr.customer_mos or 0) < (cdr.carrier_mos or 0)
    assert all(getattr(cdr, name) is not None for name in FIGURES)


@pytest.mark.live
def test_recorder_killed_between_delete_and_commit_gets_the_figures_again(url: str, spool: Path) -> None:
    with RealRtpengine() as rtpengine, NgClient(rtpengine.ng_port) as media:
        caller, callee = Endpoint(1111), Endpoint(2222)
        rtpengine.connect("call-1@pbx", caller, callee)
        talk(caller, callee, packets=20, pace=0.002, report_every=0)
        call = CallEvents(1)
        write_spool(spool, [call.invite() | {"from_tag": "from"}, call.answered(1, sdp=ANSWER_SDP), call.bye(2)])
        engine = open_engine(url)
        log = FragileLog(Database(engine), "test")
        log.crash_at = 0
        with pytest.raises(Crash):
            Recorder(log, SpoolReader(spool, {}), "test", media, Stop()).step()
        assert rtpengine.client.calls() == []
        log.crash_at = None
        Recorder(log, SpoolReader(spool, {}), "test", media, Stop()).step()
        engine.dispose()
    (cdr,) = stored(url)[0].values()
    assert (cdr.customer_packets, cdr.carrier_packets) == (20, 20)


@pytest.mark.live
def test_call_that_began_before_this_recorder_gets_its_figures(url: str, spool: Path) -> None:
    with RealRtpengine() as rtpengine, NgClient(rtpengine.ng_port) as media:
        caller, callee = Endpoint(1111), Endpoint(2222, drop=lambda number: number >= 10)
        rtpengine.connect("call-1@pbx", caller, callee)
        talk(caller, callee, packets=20, pace=0.002, report_every=0)
        engine = open_engine(url)
        log = CallLog(Database(engine), "test")
        call = CallEvents(1)
        for event in (call.invite(), call.answered(1), call.bye(2)):
            write_spool(spool, [event])
            Recorder(log, SpoolReader(spool, log.offsets()), "test", media, Stop()).step()
        engine.dispose()
        assert rtpengine.client.calls() == []
    (cdr,) = stored(url)[0].values()
    assert (cdr.customer_packets, cdr.carrier_packets) == (20, 10)


def _status(program: Program) -> str | None:
    with sqlite3.connect(program.home / "trunkline.db", timeout=10) as connection:
        row = connection.execute("SELECT status FROM calls").fetchone()
    return row[0] if row else None


# --- speed


def test_cpu_per_call(program: Program) -> None:
    """A backlog of 20,000 calls, as after an outage."""
    spool = program.home / "spool"
    count, start = 20_000, time.time() - 40
    events: list[Event] = []
    for number in range(count):
        call = CallEvents(number, at=start + number / 600)
        events += [call.invite(), call.ringing(0.1), call.answered(1), call.bye(6)]
    events.sort(key=lambda event: event["at"])
    program.start()
    wait_for(lambda: (program.home / "spool" / "name").exists() and program.count(Alert) == 0, "its start")
    time.sleep(0.3)
    idle = program.cpu()
    with (spool / f"events-{int(start) // 60}.jsonl").open("ab") as segment:
        segment.write(b"".join(map(as_line, events)))
    ended: Any = "SELECT count(*) FROM calls WHERE ended_us IS NOT NULL"

    def all_over() -> bool:
        with sqlite3.connect(program.home / "trunkline.db", timeout=10) as connection:
            return bool(connection.execute(ended).fetchone()[0] == count)

    wait_for(all_over, "20,000 calls")
    used = program.cpu() - idle
    assert program.end(signal.SIGTERM) == 0
    print(f"\nrecorder: {used / count * 1e6:.0f} us of CPU per call, {used:.2f} s for {count} calls")  # noqa: T201
