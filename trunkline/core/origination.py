"""Which origination URLs a call from the PSTN tries, in which order, and what the PBX gets to see (PSTN to PBX;
twilio.md 1.4).
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import NamedTuple
from urllib.parse import unquote

from trunkline.core import e164, sip_uri
from trunkline.core.barred_target import is_barred
from trunkline.core.caller_id import asserted_number, user_and_host
from trunkline.core.cause import Cause
from trunkline.core.decision import ORIGINATION, Header, Reject, Relay, Target
from trunkline.core.distribution import in_order
from trunkline.core.host_name import is_name
from trunkline.core.invite import Invite
from trunkline.core.media import Side, media_mode
from trunkline.core.policy import Policy
from trunkline.core.refusal import Case
from trunkline.core.registration import next_hop, request_uri
from trunkline.core.routing_data import CarrierRow, PhoneNumberRow, RoutingData, TrunkRow
from trunkline.core.termination import TRANSPORTS

# Ours to read, and not the PBX's: they choose the sending edge (`tnx` is the vendor's old interconnect name). `alias`
# would choose a connection at the TLS front, which may be somebody else's.
_OUR_PARAMS = frozenset(("transport", "edge", "region", "tnx", "alias"))


class OriginationAddress(NamedTuple):
    """An origination URL, taken apart."""

    user: str
    """The fixed user, or empty: the called number goes there."""
    host: str
    """With port where the URL has one."""
    transport: str
    params: str
    """Other URI parameters with a leading `;`, or empty."""
    headers: tuple[Header, ...]
    named: bool
    """The host is a name."""


def originate(
    number: PhoneNumberRow | None, carrier: CarrierRow, case: Case, routing: RoutingData, policy: Policy, dice: Random
) -> Relay | Reject:
    """What becomes of a call that a carrier sent us for `number` (None: no number of ours)."""
    case.direction = ORIGINATION
    case.caller = caller_of(case.invite)
    if number is None:
        return case.refuse(Cause.UNKNOWN_NUMBER, carrier=carrier.sid)
    case.called, case.account_sid = number.phone_number, number.account_sid
    account = routing.account(number.account_sid)
    if account is None or account.status != "active" or not account.funds:
        status = "closed" if account is None else account.status if account.status != "active" else "without funds"
        return case.refuse(Cause.ORIGINATION_ACCOUNT_INACTIVE, status=status)
    trunk = routing.trunk(number.trunk_sid) if number.trunk_sid else None
    if trunk is None:
        return case.refuse(Cause.NUMBER_WITHOUT_TRUNK)
    case.concerns(trunk)
    targets = origination_targets(trunk, number.phone_number, routing, policy, dice)
    if not targets:
        return case.refuse(Cause.NO_ORIGINATION_URL)
    headers: tuple[Header, ...] = (("X-Twilio-AccountSid", trunk.account_sid),)
    if case.invite.call_sid:
        headers += (("X-Twilio-CallSid", case.invite.call_sid),)
    return Relay(
        ORIGINATION,
        trunk.account_sid,
        trunk.sid,
        case.caller,
        number.phone_number,
        targets,
        media_mode(Side.CALLEE if trunk.secure else None),
        None,
        (),
        headers,
        longest=trunk.longest,
    )


def caller_of(invite: Invite) -> str:
    """The caller in +E.164 where the carrier says one (From, P-Asserted-Identity, Remote-Party-ID), else the user of
    From.
    """
    user, _ = user_and_host(invite.from_header_uri)
    return e164.from_carrier(user) or asserted_number(invite) or user


def origination_targets(
    trunk: TrunkRow, called: str, routing: RoutingData, policy: Policy, dice: Random
) -> tuple[Target, ...]:
    """At most `policy.max_origination_attempts` targets: registered contacts by q, where the trunk takes registrations,
    then enabled, readable URLs by priority and weight. `called` is +E.164.
    """
    urls = _url_targets(trunk, called, routing, policy, dice)
    if not trunk.registration:
        return urls
    most = policy.max_origination_attempts
    contacts = _registered_targets(trunk, called, routing, policy)
    # However many contacts there are, one URL stays as the way out.
    return (contacts[: most - 1 if urls else most] + urls)[:most]


def _registered_targets(trunk: TrunkRow, called: str, routing: RoutingData, policy: Policy) -> tuple[Target, ...]:
    """The trunk's own SID stands for a contact in the record of the attempt."""
    return tuple(
        Target(
            trunk.sid,
            None,
            request_uri(contact, called),
            contact.transport,
            next_hop(contact),
            policy.no_provisional_after,
            policy.no_answer_after,
        )
        for contact in routing.registered(trunk.sid)
        if contact.transport == "tls" or not trunk.secure
    )


def _url_targets(
    trunk: TrunkRow, called: str, routing: RoutingData, policy: Policy, dice: Random
) -> tuple[Target, ...]:
    domain = f"{trunk.label}.{policy.domain_suffixes[0]}" if trunk.label else policy.domain_suffixes[0]
    targets: list[Target] = []
    for row in in_order([row for row in routing.origination_urls(trunk.sid) if row.enabled], dice):
        address = origination_address(row.sip_url)
        if address is None:
            continue
        headers = address.headers
        if address.user:
            # The number that was dialled is no longer in the Request-URI: RFC 5806, as the vendor writes it.
            headers += (("Diversion", f"<sip:{called}@{domain}>;reason=unconditional"),)
        transport = "tls" if trunk.secure else address.transport
        ruri = f"sip:{address.user or called}@{address.host};transport={transport}{address.params}"
        if is_barred(ruri, transport, routing, policy):
            continue
        wait, ring = policy.no_provisional_after, policy.no_answer_after
        targets.append(Target(row.sid, None, ruri, transport, None, wait, ring, headers, named=address.named))
        if len(targets) == policy.max_origination_attempts:
            break
    return tuple(targets)


@lru_cache(maxsize=4096)
def origination_address(text: str) -> OriginationAddress | None:
    """The parts of an origination URL, or None where it cannot be used (the API refuses such URLs)."""
    try:
        uri = sip_uri.parse(text.strip())
    except sip_uri.SipUriError:
        return None
    # sips: means TLS to the customer and nothing beyond (twilio.md 1.3).
    transport = (uri.param("transport") or ("tls" if uri.scheme == "sips" else "udp")).lower()
    if uri.scheme == "tel" or transport not in TRANSPORTS:
        return None
    user = escaped_user(uri.user) if uri.user else ""
    params, headers = kept_params(uri.params), _headers(uri.headers)
    return OriginationAddress(user, uri.host_port, transport, params, headers, is_name(uri.host))


def kept_params(params: str) -> str:
    """The URI parameters that go to the PBX, each with a leading `;`."""
    items = params.split(";")
    return "".join([f";{item}" for item in items if item and item.partition("=")[0].lower() not in _OUR_PARAMS])


def escaped_user(user: str) -> str:
    """A user part as it stands in a URI."""
    return str(sip_uri.SipUri("sip", user, "h"))[4:-2]


def _headers(text: str) -> tuple[Header, ...]:
    """Headers of the URL that go into the INVITE: X- headers and User-to-User alone, because RFC 3261 section 19.1.5
    warns of the others, and none of ours (X-Twilio-…)."""
    found: list[Header] = []
    for item in text.split("&") if text else ():
        name, _, value = item.partition("=")
        lower = name.lower()
        if (lower.startswith("x-") and not lower.startswith("x-twilio")) or lower == "user-to-user":
            value = unquote(value, errors="replace")
            if value.isprintable() and name.replace("-", "").isalnum():
                found.append((name, value))
    return tuple(found)
