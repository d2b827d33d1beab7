"""Which caller ID a termination call presents (twilio.md 1.3, "Caller ID source"; rulings, "Caller ID not owned").

From counts where its user part is +E.164. Where it is not (an extension, a name, anonymous), the first of P-Asserted-
Identity (RFC 3325) and Remote-Party-ID that has one counts. It must be a phone number or a verified caller ID of the
account.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from trunkline.core import e164, name_addr, sip_uri
from trunkline.core.cause import Cause
from trunkline.core.decision import Alert, Reject
from trunkline.core.invite import Invite
from trunkline.core.refusal import Case
from trunkline.core.routing_data import RoutingData, TrunkRow


class Presented(NamedTuple):
    caller: str
    """+E.164: the call's record says this."""
    replacement: str | None = None
    """+E.164 to put into From and P-Asserted-Identity; None: From already says it, or asks for anonymity."""
    alerts: tuple[Alert, ...] = ()


def present(invite: Invite, trunk: TrunkRow, routing: RoutingData, case: Case) -> Presented | Reject:
    """The caller ID to present, or the refusal."""
    user, host = user_and_host(invite.from_header_uri)
    case.caller = user
    if e164.is_e164(user):
        number: str | None = user
        replacement = None
    else:
        number = asserted_number(invite)
        # RFC 3323 section 4.1.1.3: whoever asks for privacy says anonymous@anonymous.invalid. That stays as it is.
        replacement = None if is_anonymous(user, host) else number
    if number is not None:
        case.caller = number
        if routing.owns_number(trunk.account_sid, number) or routing.verified_caller_id(trunk.account_sid, number):
            return Presented(number, replacement)
    return _without_caller_id(user, number, trunk, routing, case)


def _without_caller_id(
    user: str, number: str | None, trunk: TrunkRow, routing: RoutingData, case: Case
) -> Presented | Reject:
    default = trunk.default_caller_id
    if (
        trunk.caller_id_policy == "replace"
        and default is not None
        and (routing.owns_number(trunk.account_sid, default) or routing.verified_caller_id(trunk.account_sid, default))
    ):
        alert = case.alert(Cause.CALLER_ID_REPLACED, replacement=default)
        case.caller = default
        return Presented(default, default, (alert,))
    if number is not None:
        return case.refuse(Cause.CALLER_ID_NOT_OWNED)
    guess = e164.suggestion(user)
    return case.refuse(Cause.CALLER_ID_INVALID, suggestion=f" Did you mean {guess}?" if guess else "")


def asserted_number(invite: Invite) -> str | None:
    """The +E.164 number of P-Asserted-Identity, else of Remote-Party-ID, else None."""
    for value in (invite.p_asserted_identity, invite.remote_party_id):
        if value:
            try:
                user, _ = user_and_host(name_addr.parse(value).uri)
            except name_addr.NameAddrError:
                continue
            if e164.is_e164(user):
                return user
    return None


@lru_cache(maxsize=4096)
def user_and_host(uri: str) -> tuple[str, str]:
    """User and host parts; two empty texts where the URI cannot be read, for then it has no caller ID either."""
    try:
        parsed = sip_uri.parse(uri)
    except sip_uri.SipUriError:
        return "", ""
    return parsed.user, parsed.host


def is_anonymous(user: str, host: str) -> bool:
    """RFC 3323 section 4.1.1.3."""
    return host == "anonymous.invalid" or user.lower() == "anonymous"
