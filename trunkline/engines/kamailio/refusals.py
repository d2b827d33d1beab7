"""Refusals that are no decision of core's: kamailio.cfg's own, and the answer to a bug of ours.

Runs inside Kamailio: standard library and core only. Each is a row of the table of causes and leaves what every refusal
leaves: of an INVITE a record, of a request within a call an alert of that call. kamailio.cfg refuses before it is known
who asks, and counts no offence for it: so strangers get the answer and no record, or their floods would fill the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from trunkline.core.cause import Cause, cause_texts
from trunkline.core.cause_row import error_header
from trunkline.core.policy import Policy
from trunkline.core.refusal import refuse_unread
from trunkline.core.route import refuse_unjudged
from trunkline.engines.kamailio import events
from trunkline.engines.kamailio.bans import Bans
from trunkline.engines.kamailio.call_book import CallBook
from trunkline.engines.kamailio.ksr import MalformedRequest, Message
from trunkline.engines.kamailio.routing import RoutingDb

NO_CALL = "-"
"""In place of a call's token: the request belongs to none."""
_DETAIL = "a header that it needs is missing, cannot be read, or contradicts the rest"
"""What MALFORMED_REQUEST says where it is Kamailio that has found it."""


class Refusals:
    """Of one SIP worker."""

    def __init__(
        self,
        message: Message,
        bans: Bans,
        book: CallBook,
        policy: Policy,
        edge: str,
        routing_at: Callable[[float], RoutingDb],
        write: Callable[[dict[str, object], float], None],
        log_bug: Callable[[], None],
    ) -> None:
        """`write`: an event and its time. `log_bug`: the exception in hand."""
        self._message, self._bans, self._book = message, bans, book
        self._policy, self._edge, self._routing_at = policy, edge, routing_at
        self._write, self._log_bug = write, log_bug

    def refuse(self, facts: str, new_sid: Callable[[], str]) -> int:
        """kamailio.cfg refuses this request. `facts`: the Cause's name, and the token of the call or NO_CALL."""
        try:
            name, token = facts.split(" ")
            cause, source = Cause[name], self._message.lenient("var(source)") or ""
            self._answer(cause)
            now = time.time()
            if token != NO_CALL:
                self._write(events.refused_within(f"CA{token}", cause, source, now), now)
            elif self._bans.is_somebodys(source, self._routing_at(now)):
                self._record(cause, new_sid(), now)
        except Exception:  # noqa: BLE001  the answer goes out whatever becomes of the record
            self._log_bug()
        return 1

    def _record(self, cause: Cause, sid: str, now: float) -> None:
        try:
            invite = self._message.invite("INVITE", sid)
        except MalformedRequest:
            self.record_unread(cause, sid, cause_texts(cause, {"detail": _DETAIL})[0], now)
        else:
            reject = refuse_unjudged(cause, invite, self._routing_at(now), self._policy, _DETAIL)
            self._write(events.rejected(self._edge, reject, invite, sid, now), now)

    def record_unread(self, cause: Cause, sid: str, text: str, now: float) -> None:
        """The record of an INVITE that cannot be read. `text`: what is wrong with it."""
        message = self._message
        proto = (message.lenient("proto") or "").lower()
        source = f"{proto}:{message.lenient('si')}:{message.number('$sp')}"
        facts = {name: message.lenient(variable) for name, variable in events.UNREAD_FACTS.items()}
        self._write(events.unread(self._edge, facts | {"source": source}, cause, sid, text, now), now)

    def bug(self) -> None:
        """Silence is worse than 500: the caller would retransmit, and fail again each time."""
        self._log_bug()
        self._answer(Cause.PLATFORM_BUG)

    def bug_in_invite(self, sid: str, now: float) -> None:
        """Before the first attempt was on its way."""
        self.bug()
        try:
            try:
                invite = self._message.invite("INVITE", sid)
            except MalformedRequest:
                self.record_unread(Cause.PLATFORM_BUG, sid, cause_texts(Cause.PLATFORM_BUG, {})[1], now)
            else:
                reject = refuse_unread(Cause.PLATFORM_BUG, invite)
                self._write(events.rejected(self._edge, reject, invite, sid, now), now)
        except Exception:  # noqa: BLE001  as in `refuse`
            self._log_bug()

    def bug_in_attempt(self) -> None:
        """While a failed attempt was judged: the call has its record already, and ends."""
        self.bug()
        try:
            sid, now = self._message.call_sid(), time.time()
            self._book.end(sid)
            self._write(events.final(sid, Cause.PLATFORM_BUG, now), now)
        except Exception:  # noqa: BLE001  as in `refuse`
            self._log_bug()

    def _answer(self, cause: Cause) -> None:
        header = error_header(cause.code, cause_texts(cause, {"detail": _DETAIL})[0])
        self._message.refuse(cause.sip_status, cause.reason, () if header is None else (header,))
