"""A refusal in the making: what was seen is gathered while a request is judged, and every `Reject` comes from here."""

from __future__ import annotations

from trunkline.core.cause import Cause, cause_texts
from trunkline.core.decision import TERMINATION, Alert, Direction, Reject
from trunkline.core.invite import Invite
from trunkline.core.routing_data import TrunkRow
from trunkline.core.sip_uri import SipUri
from trunkline.core.trunk_host import HostKind, TrunkHost

_UNREAD = SipUri("sip")
_FOREIGN = TrunkHost(HostKind.FOREIGN)


class Case:
    """One request under judgement. Not frozen: it learns what the request is about, so that a refusal can say it."""

    __slots__ = ("account_sid", "called", "caller", "direction", "invite", "trunk_host", "trunk_sid", "uri")

    def __init__(self, invite: Invite) -> None:
        self.invite = invite
        self.direction: Direction = TERMINATION
        self.account_sid: str | None = None
        self.trunk_sid: str | None = None
        self.caller = ""
        """User part of From until the caller ID is known."""
        self.called = ""
        """User part of the Request-URI."""
        self.uri = _UNREAD
        """The Request-URI, once it has been read."""
        self.trunk_host = _FOREIGN
        """What its host names."""

    def concerns(self, trunk: TrunkRow) -> None:
        """From now on records and alerts go to this trunk's account; the sender is not told."""
        self.trunk_sid, self.account_sid = trunk.sid, trunk.account_sid

    def _seen(self, more: dict[str, object]) -> dict[str, object]:
        seen: dict[str, object] = {
            "source": self.invite.source_ip,
            "transport": self.invite.transport.upper(),
            "host": self.uri.host or "-",
            "caller": self.caller or "empty",
            "called": self.called or "empty",
            "account": self.account_sid or "-",
            "trunk": self.trunk_sid or "-",
        }
        seen.update(more)
        return seen

    def refuse(self, cause: Cause, sip_status: int | None = None, **seen: object) -> Reject:
        """The refusal. `sip_status`: what the policy says instead of the table."""
        row = cause.value
        text, explanation = cause_texts(cause, self._seen(seen))
        status = row.sip_status if sip_status is None else sip_status
        reason = row.reason if status == row.sip_status else _REASONS.get(status, row.reason)
        return Reject(
            cause,
            status,
            reason,
            text,
            explanation,
            self.direction,
            self.account_sid,
            self.trunk_sid,
            self.caller,
            self.called,
        )

    def alert(self, cause: Cause, **seen: object) -> Alert:
        """An alert beside a call that goes on. The cause must have a debugger code."""
        row = cause.value
        if row.code is None:
            raise ValueError(f"{cause.name} has no debugger code, so it cannot be an alert")
        return Alert(cause, row.code, row.level, cause_texts(cause, self._seen(seen))[1])


_REASONS = {403: "Forbidden", 603: "Decline"}


def refuse_unread(cause: Cause, invite: Invite) -> Reject:
    """A refusal of a request that could not be judged: PLATFORM_BUG. Reads as little of it as possible."""
    return unread(invite).refuse(cause)


def unread(invite: Invite) -> Case:
    """The case of a request of which nothing is understood yet."""
    case = Case(invite)
    case.called, case.caller = _user(invite.ruri), _user(invite.from_header_uri)
    return case


def _user(uri: str) -> str:
    user, at, _ = uri.partition("@")
    return user.rpartition(":")[2] if at else ""
