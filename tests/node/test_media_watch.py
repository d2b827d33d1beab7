from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.core.cause import Cause
from trunkline.core.cdr import Cdr
from trunkline.engines.rtpengine.ng import Reply, Request, media_id
from trunkline.node.media_watch import LOOK_EVERY, MediaWatch

TIMEOUT = 600.0


class Rtpengine:
    def __init__(self) -> None:
        self.uptime, self.timed_out = 10_000, 0
        self.known: set[str] = set()
        self.silent = False
        self.queries = 0

    def ask(self, requests: Iterable[Request]) -> dict[str, Reply]:
        return {} if self.silent else {request.cookie: self._answer(request.body) for request in requests}

    def _answer(self, body: Any) -> Reply:
        if body["command"] == "statistics":
            totals = {"uptime": str(self.uptime), "timeoutsessions": self.timed_out}
            return {"result": "ok", "statistics": {"totalstatistics": totals}}
        self.queries += 1
        return {"result": "ok"} if body["call-id"] in self.known else {"result": "error"}


class Ender:
    def __init__(self) -> None:
        self.ended: list[tuple[str, Cause, float]] = []

    def end(self, cdr: Cdr, cause: Cause, limit: float) -> None:
        self.ended.append((cdr.sid, cause, limit))


def call(digit: str, answered: float) -> Cdr:
    return Cdr("CA" + digit * 32, answered_us=int(answered * 1e6))


def watch(*calls: Cdr) -> tuple[MediaWatch, Rtpengine, Ender]:
    engine, ender = Rtpengine(), Ender()
    engine.known = {media_id(cdr.sid) for cdr in calls}
    return MediaWatch(engine, lambda: {cdr.sid: cdr for cdr in calls}, ender, TIMEOUT), engine, ender


def test_a_session_that_timed_out_ends_its_call_and_no_other() -> None:
    gone, other, young = call("1", 19_000), call("2", 19_000), call("3", 20_009.5)
    looking, engine, ender = watch(gone, other, young)
    assert looking.step(20_000) == 0
    before = engine.queries
    assert looking.step(20_000 + LOOK_EVERY) == 0
    assert engine.queries == before  # nothing has timed out: nobody is asked
    engine.timed_out = 1
    engine.known -= {media_id(gone.sid), media_id(young.sid)}
    assert looking.step(20_010) == 1
    assert ender.ended == [(gone.sid, Cause.MEDIA_TIMEOUT, TIMEOUT)]


def test_after_a_restart_of_rtpengine_calls_of_before_have_their_time() -> None:
    old = call("1", 19_000)
    looking, engine, ender = watch(old)
    looking.step(20_000)
    engine.known.clear()
    engine.uptime = 5
    assert looking.step(20_010) == 0
    engine.uptime, engine.timed_out = 300, 1
    assert looking.step(20_305) == 0
    engine.uptime = 601
    assert looking.step(20_606) == 1
    assert ender.ended[0][0] == old.sid


def test_an_rtpengine_that_is_away_ends_nothing() -> None:
    looking, engine, ender = watch(call("1", 19_000))
    looking.step(20_000)
    engine.silent = True
    assert looking.step(20_010) == 0
    assert ender.ended == []
