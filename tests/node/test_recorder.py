"""The recorder in this process: crashes at every point, everything delivered twice, outages, media."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from real_rtpengine import Endpoint, RealRtpengine, talk
from recorder_desk import expected, stored, story
from spool_events import CallEvents, call_sid, write_spool

from trunkline.core.cdr import cdr_of
from trunkline.engines.rtpengine.ng import NgClient, Reply, Request, media_id
from trunkline.node.recorder import Found, Recorder
from trunkline.node.spool_reader import SpoolReader
from trunkline.store import schema
from trunkline.store.call_log import Batch, CallLog
from trunkline.store.database import Database, open_engine
from trunkline.store.errors import StoreUnavailable


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
    first, third = media_id(known.sid), media_id(earlier.sid)
    assert bodies == [("delete", first, "tag1"), ("query", third, None), ("delete", third, None)]


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


# --- with a real rtpengine


@pytest.mark.live
def test_recorder_killed_between_delete_and_commit_gets_the_figures_again(url: str, spool: Path) -> None:
    with RealRtpengine() as rtpengine, NgClient(rtpengine.ng_port) as media:
        caller, callee = Endpoint(1111), Endpoint(2222)
        rtpengine.connect(media_id(call_sid(1)), caller, callee)
        talk(caller, callee, packets=20, pace=0.002, report_every=0)
        call = CallEvents(1)
        write_spool(spool, [call.invite() | {"from_tag": "from"}, call.answered(1), call.bye(2)])
        engine = open_engine(url)
        log = FragileLog(Database(engine), "test")
        log.crash_at = 0
        with pytest.raises(Crash):
            Recorder(log, SpoolReader(spool, {}), "test", media, Stop()).step()
        rtpengine.wait_until_gone()
        log.crash_at = None
        Recorder(log, SpoolReader(spool, {}), "test", media, Stop()).step()
        engine.dispose()
    (cdr,) = stored(url)[0].values()
    assert (cdr.customer_packets, cdr.carrier_packets) == (20, 20)


@pytest.mark.live
def test_call_that_began_before_this_recorder_gets_its_figures(url: str, spool: Path) -> None:
    with RealRtpengine() as rtpengine, NgClient(rtpengine.ng_port) as media:
        caller, callee = Endpoint(1111), Endpoint(2222, drop=lambda number: number >= 10)
        rtpengine.connect(media_id(call_sid(1)), caller, callee)
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
