"""SIP messages of the calls that are up, as the edge mirrors them, until each call is over. Bounded in every direction:
what is beyond is forgotten, oldest first, because a call's record never depends on its trace.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from trunkline.analyzer.model.capture import RawMessage

MOST_MESSAGES = 300
"""Of one call."""
MOST_BYTES = 512 << 10
"""Of one call."""
MOST_BYTES_IN_ALL = 128 << 20
AFTER_END = 1.2
"""Seconds after which what still belongs to a call's end (ACK, repeated answers) has come."""
CHALLENGED = 35.0
"""Seconds after a challenge without another INVITE after which the caller has given up (64 * T1 and a little)."""
LONGEST = 86_400.0
EARLY = 1.0
"""Seconds for which messages of no call are kept: two SIP workers mirror what they handle, and the answer to an INVITE
may overtake it on this way.
"""
MOST_EARLY = 64

_CALL_ID = re.compile(rb"^(?:Call-ID|i)[ \t]*:[ \t]*(\S{1,256})", re.IGNORECASE | re.MULTILINE)
_CSEQ = re.compile(rb"^CSeq[ \t]*:[ \t]*\d{1,10}[ \t]+([A-Z]{1,20})", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class TracedCall:
    """The messages of one Call-ID, in the order in which they passed the edge."""

    call_id: str
    messages: list[RawMessage] = field(default_factory=list)
    size: int = 0
    due: float | None = None
    """When the call is taken for over; None: it is up, or has just begun."""
    cut: bool = False
    """There were more messages than are kept."""


def both_sides(caller: TracedCall, callee: TracedCall) -> TracedCall:
    """One call whose sides have Call-IDs of their own, under the caller's."""
    messages = sorted((*caller.messages, *callee.messages), key=lambda message: message.time or 0.0)
    return TracedCall(caller.call_id, messages, caller.size + callee.size, cut=caller.cut or callee.cut)


class TraceBuffer:
    def __init__(self) -> None:
        self._calls: OrderedDict[str, TracedCall] = OrderedDict()
        self._early: deque[tuple[float, str, RawMessage]] = deque(maxlen=MOST_EARLY)
        self.size = 0
        self.forgotten = 0
        """Calls whose messages had to make room."""

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, message: RawMessage, now: float) -> None:
        """Keeps one message. Anything but INVITE dialogs is of no interest. `now`: seconds of any clock."""
        method, status = _kind(message.data)
        found = _CALL_ID.search(message.data)
        if found is None or method not in _DIALOG:
            return
        call_id = found[1].decode("utf-8", "replace")
        call = self._calls.get(call_id)
        if call is not None:
            self._keep(call, message, now)
        elif method == "INVITE" and not status:
            call = self._calls[call_id] = TracedCall(call_id)
            self._keep(call, message, now)
            for at, of, early in self._early:
                if of == call_id and now - at < EARLY:
                    self._keep(call, early, now)
        else:
            self._early.append((now, call_id, message))
        while self.size > MOST_BYTES_IN_ALL and len(self._calls) > 1:
            self._drop(next(iter(self._calls)))
            self.forgotten += 1

    def _keep(self, call: TracedCall, message: RawMessage, now: float) -> None:
        if len(call.messages) >= MOST_MESSAGES or call.size + len(message.data) > MOST_BYTES:
            call.cut = True
        else:
            call.messages.append(message)
            call.size += len(message.data)
            self.size += len(message.data)
        _set_due(call, *_kind(message.data), now)

    def over(self, now: float) -> list[TracedCall]:
        """Takes out the calls that have ended."""
        due = [call for call in self._calls.values() if call.due is not None and call.due <= now]
        for call in due:
            self._drop(call.call_id)
        return due

    def take(self, call_id: str) -> TracedCall | None:
        """Takes out a call, over or not."""
        call = self._calls.get(call_id)
        if call is not None:
            self._drop(call_id)
        return call

    def _drop(self, call_id: str) -> None:
        self.size -= self._calls.pop(call_id).size


_DIALOG = frozenset(("INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY"))


def _kind(data: bytes) -> tuple[str, int]:
    """Method of a request (status 0), or method by CSeq and status of a response."""
    if not data.startswith(b"SIP/2.0 "):
        return data[: data.find(b" ", 0, 24)].decode("ascii", "replace"), 0
    found = _CSEQ.search(data)
    status = data[8:11]
    return (found[1].decode("ascii").upper() if found else ""), int(status) if status.isdigit() else 0


def _set_due(call: TracedCall, method: str, status: int, now: float) -> None:
    if method == "INVITE" and not status:
        call.due = now + LONGEST
    elif method == "INVITE" and status in (401, 407):
        call.due = now + CHALLENGED
    elif method == "INVITE" and status >= 300:
        # A carrier's refusal may be followed by another attempt: its INVITE sets the time anew.
        call.due = now + AFTER_END
    elif method == "BYE" and status >= 200:
        call.due = now + AFTER_END
