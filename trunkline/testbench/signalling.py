"""One call's signalling facts, collected from the messages on the wire."""

from __future__ import annotations

from trunkline.testbench.result import Answer, Timeline
from trunkline.testbench.trace import WireMessage


class Signalling:
    """What one side of one call sent and received. Messages of other calls, or of the other side, are passed over.

    The same Call-ID can cross one agent twice, when a carrier's call to a number of ours comes back to it. So a
    message is ours only
    when its direction fits: the requester is the caller when the From tag is the caller's.
    """

    def __init__(self, call_id: str, *, caller: bool, caller_tag: str = "") -> None:
        self.call_id = call_id
        self.answers: list[Answer] = []
        self.challenges = 0
        self.credentials_sent = False
        self.started_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.ended_by: str | None = None
        self.sip_status: int | None = None
        self.sip_reason = ""
        self.twilio_error: str | None = None
        self.reason_header: str | None = None
        self.settled = False
        """Nothing more is to come: a final failure, or the answer to a BYE."""
        self._caller = caller
        self._caller_tag = caller_tag
        self._counted: set[tuple[str, int]] = set()

    def take(self, message: WireMessage) -> None:
        sip = message.sip
        if sip.first("Call-ID") != self.call_id:
            return
        if not self._caller_tag and message.sent and sip.is_request and self._caller:
            self._caller_tag = sip.from_tag
        from_caller = sip.from_tag == self._caller_tag
        ours = from_caller == self._caller
        if message.sent != (ours if sip.is_request else not ours):
            return
        if sip.is_request:
            self._request(message, "caller" if from_caller else "callee")
        else:
            self._response(message)

    def _request(self, message: WireMessage, by: str) -> None:
        sip = message.sip
        if sip.method == "INVITE" and self.answered_at is None:
            self.started_at = self.started_at or message.at
            self.credentials_sent |= bool(sip.first("Authorization") or sip.first("Proxy-Authorization"))
        elif sip.method in ("BYE", "CANCEL") and self.ended_at is None:
            self.ended_at, self.ended_by = message.at, by
            self.reason_header = sip.first("Reason") or None

    def _response(self, message: WireMessage) -> None:
        sip = message.sip
        if sip.method == "BYE":
            self.settled |= sip.sip_status >= 200
        if (
            sip.method != "INVITE"
            or self.answered_at is not None
            or (sip.first("CSeq"), sip.sip_status) in self._counted
        ):
            return
        self._counted.add((sip.first("CSeq"), sip.sip_status))
        self.answers.append(Answer(self._after(message.at), sip.sip_status, sip.sip_reason))
        if sip.sip_status < 200:
            return
        self.sip_status, self.sip_reason = sip.sip_status, sip.sip_reason
        self.twilio_error = sip.first("X-Twilio-Error") or None
        if sip.sip_status < 300:
            self.answered_at = message.at
            return
        self.challenges += sip.sip_status in (401, 407)
        self.reason_header = sip.first("Reason") or self.reason_header
        if sip.sip_status not in (401, 407):
            self._fail(message.at)

    def no_retry(self) -> None:
        """PJSIP gave up: a challenge that it did not answer was the end. After a CANCEL a 487 is still to come."""
        if self.ended_at is None and self.answers and self.answers[-1].sip_status in (401, 407):
            self._fail((self.started_at or 0.0) + self.answers[-1].at)

    def _fail(self, at: float) -> None:
        self.settled = True
        if self.ended_at is None:
            self.ended_at, self.ended_by = at, "callee"

    def _after(self, at: float) -> float:
        return round(max(0.0, at - (self.started_at if self.started_at is not None else at)), 3)

    def timeline(self) -> Timeline:
        def first(low: int, high: int) -> float | None:
            return next((answer.at for answer in self.answers if low <= answer.sip_status <= high), None)

        ended = None if self.ended_at is None else self._after(self.ended_at)
        return Timeline(trying=first(100, 100), ringing=first(180, 199), answered=first(200, 299), ended=ended)
