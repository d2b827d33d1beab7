"""REGISTER in the SIP worker, once the sender is known: reads what it says, stores it, leaves the answer.

Runs inside Kamailio: standard library and core only. The rules are core/registration.py's.
"""

from __future__ import annotations

from pathlib import Path

from trunkline.core.cause import Cause
from trunkline.core.cause_row import error_header
from trunkline.core.decision import Header, MayRegister
from trunkline.core.invite import Invite
from trunkline.core.registration import Contact, Register, Registered, register
from trunkline.engines.kamailio.ksr import Ksr, Message
from trunkline.engines.kamailio.registrations import Registrations


class Registrar:
    """Of one SIP worker."""

    def __init__(self, ksr: Ksr, message: Message, path: Path) -> None:
        self.registrations = Registrations(path)
        self._log = ksr.log
        self._message = message

    def answer(self, allowed: MayRegister, invite: Invite, now: float) -> None:
        """Carry the REGISTER out and leave its answer. Raises MalformedRequest, sqlite3.Error. `now`: Unix seconds."""
        message = self._message
        request = Register(
            message.text("$(hdr(Contact)[*])"),
            message.text("$hdr(Expires)"),
            invite.call_id,
            message.number("$cs"),
            invite.source_ip,
            invite.source_port,
            invite.transport,
            invite.user_agent or "",
        )
        outcome = self.registrations.change(
            allowed.trunk_sid, now, lambda before: register(request, allowed.trunk_sid, before, now)
        )
        message.refuse(outcome.status, outcome.reason, _headers(outcome, now))
        for contact in outcome.added:
            self._say("registered", contact, now)
        for contact in outcome.removed:
            self._say("no longer registered", contact, now)

    def _say(self, what: str, contact: Contact, now: float) -> None:
        self._log("notice", f"{what}: {in_words(contact, now)}\n")


def in_words(contact: Contact, now: float) -> str:
    """For a line of the log."""
    left = f" for {round(contact.until - now)} s" if contact.until > now else ""
    source = f"{contact.transport}:{contact.source_ip}:{contact.source_port}"
    return f"{contact.trunk_sid} at {contact.uri} from {source}{left}"


def _headers(outcome: Registered, now: float) -> tuple[Header, ...]:
    if outcome.status != Cause.MALFORMED_REQUEST.sip_status:
        return outcome.headers(now)
    cause = Cause.MALFORMED_REQUEST
    header = error_header(cause.code, cause.value.text.format(detail=outcome.reason))
    return () if header is None else (header,)
