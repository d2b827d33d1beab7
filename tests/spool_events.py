"""Events as the edge writes them (docs/architecture.md, "The spool"), for tests of whoever reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Event = dict[str, Any]

ACCOUNT, TRUNK = "AC" + "1" * 32, "TK" + "2" * 32
CARRIER, TARGET, URL = "CX" + "3" * 32, "CT" + "4" * 32, "OU" + "5" * 32
START = 1_760_000_000.0
"""Unix seconds at which calls begin here."""
ANSWER_SDP = (
    "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def call_sid(number: int = 1) -> str:
    return f"CA{number:032x}"


class CallEvents:
    """Makes the events of one call. Times are seconds after its INVITE."""

    def __init__(self, number: int = 1, *, at: float = START, origination: bool = False, edge: str = "edge-1") -> None:
        self.number = number
        self.sid = call_sid(number)
        self.at = at
        self.origination = origination
        self.edge = edge

    def _event(self, kind: str, after: float, **fields: object) -> Event:
        return {"e": kind, "sid": self.sid, "at": self.at + after, **fields}

    def _invite(self, **fields: object) -> Event:
        direction = "trunking-originating" if self.origination else "trunking-terminating"
        return self._event(
            "invite", 0, edge=self.edge, direction=direction, call_id=f"call-{self.number}@pbx",
            from_tag=f"tag{self.number}", source="udp:192.0.2.1:5060", ruri="sip:+15550101@acme.pstn.twilio.com",
            caller="+15550100", called="+15550101",
            account=ACCOUNT, trunk=TRUNK, user_agent="Asterisk PBX 18", secure=False, **fields,
        )  # fmt: skip

    def _target(self, n: int) -> Event:
        if self.origination:
            return {"n": n, "target": URL, "carrier": None, "uri": f"sip:+15550101@192.0.2.{n + 1}:5060"}
        return {"n": n, "target": TARGET, "carrier": CARRIER, "uri": f"sip:+15550101@203.0.113.{n + 1}:5060"}

    def invite(self) -> Event:
        return self._invite(verdict="relay", attempt=self._target(0))

    def rejected(self, cause: str = "BAD_CREDENTIALS", status: int = 403, code: int | None = 32202) -> Event:
        return self._invite(verdict="reject", cause=cause, status=status, code=code, text="The user name is unknown.")

    def attempt(self, after: float, n: int) -> Event:
        return self._event("attempt", after, **self._target(n))

    def ringing(self, after: float, n: int = 0) -> Event:
        return self._event("ringing", after, n=n, code=180)

    def answered(self, after: float, n: int = 0, sdp: str = ANSWER_SDP) -> Event:
        return self._event("answered", after, n=n, code=200, sdp_hex=sdp.encode().hex())

    def attempt_failed(
        self, after: float, code: int, n: int = 0, *, goes_on: bool = False, why: str = "", **fields: object
    ) -> Event:
        said = {"reason": "Failed", "local": code in (408, 477), "q850": None, "canceled": False} | fields
        return self._event("attempt_failed", after, n=n, code=code, next=goes_on, why=why, **said)

    def final(self, after: float, code: int, **fields: object) -> Event:
        said = {"reason": "Failed", "canceled": False, "cause": None, "error_code": None} | fields
        return self._event("final", after, code=code, **said)

    def canceled(self, after: float) -> list[Event]:
        gone = self.attempt_failed(after, 487, why="the caller gave up", canceled=True)
        return [gone, self.final(after, 487, reason="Request Terminated", canceled=True)]

    def bye(self, after: float, by: str = "caller", reason: str = "") -> Event:
        return self._event("bye", after, by=by, reason_hex=reason.encode().hex())

    def ended(self, after: float, cause: str = "MEDIA_LOST") -> Event:
        return self._event("ended", after, by="edge", cause=cause)

    def refused(self, after: float, cause: str, source: str = "192.0.2.1") -> Event:
        return self._event("refused", after, cause=cause, source=source)

    def completed(self, ring: float = 0.1, answer: float = 2.0, end: float = 12.3) -> list[Event]:
        return [self.invite(), self.ringing(ring), self.answered(answer), self.bye(end)]

    def busy(self) -> list[Event]:
        return [self.invite(), self.attempt_failed(0.3, 486, why="486: the callee is busy"), self.final(0.3, 486)]


def edge_started(at: float, edge: str = "edge-1") -> Event:
    return {"e": "edge_started", "at": at, "edge": edge, "pid": 4711}


def edge_alert(at: float) -> Event:
    return {
        "e": "alert", "at": at, "edge": "edge-1", "code": 32210, "level": "error", "text": "REGISTER is refused.",
        "source": "192.0.2.7", "account": ACCOUNT, "trunk": TRUNK, "seen": {"method": "REGISTER"},
    }  # fmt: skip


def as_line(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def segment_of(event: Event) -> str:
    return f"events-{int(event['at']) // 60}.jsonl"


def write_spool(folder: Path, events: Iterable[Event]) -> None:
    """Append the events to the segments that their times say."""
    folder.mkdir(parents=True, exist_ok=True)
    for event in events:
        with (folder / segment_of(event)).open("ab") as segment:
            segment.write(as_line(event))
