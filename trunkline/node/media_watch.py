"""Ends calls whose audio has stopped: rtpengine has let go of them, so a BYE was lost or somebody is gone.

rtpengine is asked for its counters now and then, which is cheap; only when a session has timed out is it asked about
the calls that are up. After a restart of rtpengine no call of before is known to it: those end once it has run
as long as a silent call may last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from trunkline.core.cause import Cause
from trunkline.core.cdr import Cdr
from trunkline.engines.rtpengine.ng import Reply, Request, media_id, query_request

LOOK_EVERY = 2.0
"""Seconds."""
YOUNG_SECONDS = 1
"""A call that was answered so recently is left alone."""
COUNTERS = ("timeoutsessions", "silenttimeoutsessions", "finaltimeoutsessions")


class Media(Protocol):
    def ask(self, requests: Iterable[Request]) -> dict[str, Reply]: ...


class Ender(Protocol):
    def end(self, cdr: Cdr, cause: Cause, limit: float) -> None: ...


class MediaWatch:
    def __init__(
        self, media: Media, calls_up: Callable[[], Mapping[str, Cdr]], ender: Ender, media_timeout: float
    ) -> None:
        """`calls_up`: the answered calls of this edge by SID. `media_timeout`: seconds, as rtpengine was told."""
        self._media = media
        self._calls_up = calls_up
        self._ender = ender
        self._media_timeout = media_timeout
        self._look_at = 0.0
        self._seen: int | None = None
        self._uptime = 0

    def step(self, now: float) -> int:
        """Look, when it is time to. `now`: Unix seconds. How many calls were ended. Raises what `calls_up` raises."""
        if now < self._look_at:
            return 0
        self._look_at = now + LOOK_EVERY
        request = Request(f"statistics-{int(now * 1000)}", {"command": "statistics"})
        reply = self._media.ask([request]).get(request.cookie)
        if reply is None:
            return 0
        timed_out, uptime = counted(reply)
        settled = self._uptime < self._media_timeout <= uptime
        known, self._seen, self._uptime = self._seen, timed_out, uptime
        if not (settled or (known is not None and timed_out > known)):
            return 0
        return self._end_forgotten(now, rtpengine_since=now - uptime)

    def _end_forgotten(self, now: float, rtpengine_since: float) -> int:
        oldest = now - self._media_timeout
        asked: dict[str, Cdr] = {}
        for cdr in self._calls_up().values():
            answered = (cdr.answered_us or 0) / 1e6
            if answered < now - YOUNG_SECONDS and (answered > rtpengine_since or rtpengine_since < oldest):
                request = query_request(cdr.sid, media_id(cdr.sid))
                asked[request.cookie] = cdr
        replies = self._media.ask(
            Request(cookie, {"command": "query", "call-id": media_id(cdr.sid)}) for cookie, cdr in asked.items()
        )
        gone = [cdr for cookie, cdr in asked.items() if replies.get(cookie, {}).get("result") == "error"]
        for cdr in gone:
            self._ender.end(cdr, Cause.MEDIA_TIMEOUT, self._media_timeout)
        return len(gone)


def counted(reply: Mapping[str, Any]) -> tuple[int, int]:
    """Sessions that have timed out, and seconds that rtpengine runs."""
    statistics = reply.get("statistics", {})
    totals = {key.lower(): value for key, value in statistics.get("totalstatistics", {}).items()}
    return sum(int(totals.get(name, 0)) for name in COUNTERS), int(totals.get("uptime", 0))
