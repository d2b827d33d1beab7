"""The recorder as a program: killed, stopped, cut off from its database, with a real rtpengine, and how fast it is."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from postgres import PostgresServer
from real_rtpengine import Endpoint, RealRtpengine, free_port, talk
from recorder_desk import Program, expected, stored, story, wait_for
from spool_events import CallEvents, Event, as_line, call_sid, edge_alert, edge_started, write_spool
from sqlalchemy import func, select

from trunkline.core.cdr import Cdr
from trunkline.engines.rtpengine.ng import media_id
from trunkline.store.database import open_engine
from trunkline.store.models import Alert, Call, SpoolPosition


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    started = Program(tmp_path / "a home", free_port())
    yield started
    started.close()


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
            wait_for(lambda: "until the database is back" in program.log, "that it has noticed")
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
            rtpengine.connect(media_id(call_sid(1)), caller, callee)
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
    ended = "SELECT count(*) FROM calls WHERE ended_us IS NOT NULL"

    def all_over() -> bool:
        with sqlite3.connect(program.home / "trunkline.db", timeout=10) as connection:
            return bool(connection.execute(ended).fetchone()[0] == count)

    wait_for(all_over, "20,000 calls")
    used = program.cpu() - idle
    assert program.end(signal.SIGTERM) == 0
    print(f"\nrecorder: {used / count * 1e6:.0f} us of CPU per call, {used:.2f} s for {count} calls")  # noqa: T201
