"""The one question that the edge asks: what becomes of this request?

Termination or origination is decided in this order (the first that fits):

    1  the Request-URI host names a trunk label               termination, whatever the source
    2  the source is no carrier's address                     termination
    3  the request carries digest credentials                 termination: carriers never send us any
    4  the called number is one of ours                       origination
    5  the source is this machine (127.0.0.1, own address)
       or in some trunk's IP access control list              termination, by the global endpoint
    6  otherwise                                              origination of an unknown number: 404

Steps 3 and 5 are for an address that a carrier and a customer share: two nodes on one machine, a carrier that is a
customer too. There a PBX that dials one of *our* numbers at the global endpoint is taken for the carrier; with the
trunk's own host name it is not. Other addresses of the loopback network are nobody's but the one's who was given them
(the demo's simulated carrier has 127.0.5.60).
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from trunkline.core import e164, sip_uri, standing
from trunkline.core.admission import Admission, Admitted, FirstUse
from trunkline.core.call_limits import CallLimits, Counter, Exceeded
from trunkline.core.caller_id import user_and_host
from trunkline.core.carrier_format import Caller
from trunkline.core.carrier_room import with_room
from trunkline.core.cause import Cause
from trunkline.core.decision import ORIGINATION, TERMINATION, Decision, Reject, Relay
from trunkline.core.invite import Invite
from trunkline.core.media import Side, media_mode
from trunkline.core.origination import originate
from trunkline.core.policy import Policy
from trunkline.core.refusal import Case, unread
from trunkline.core.routing_data import PhoneNumberRow, RoutingData
from trunkline.core.termination import carrier_targets
from trunkline.core.trunk_host import HostKind, read_trunk_host

_THIS_MACHINE = frozenset(("127.0.0.1", "::1"))


def decide(
    invite: Invite,
    routing: RoutingData,
    policy: Policy,
    now: float,
    dice: Random,
    first_use: FirstUse,
    counter: Counter | None = None,
) -> Decision:
    """The decision on one INVITE or REGISTER.

    `now`: Unix seconds. `dice`: must be seeded apart in each worker, or nonces repeat. `first_use`: see
    `admission.FirstUse`. `counter`: counts a call that is relayed, which the edge has to end there; None: no limits.
    Raises nothing of its own; what `routing` and `first_use` raise goes through (the edge
    answers 500).
    """
    if invite.method == "INVITE":
        known = standing.again(invite, routing, policy, now, dice, first_use)
        if known is not None:
            return _counted(*known, invite, counter, now)
    case = Case(invite)
    try:
        uri = sip_uri.parse(invite.ruri)
    except sip_uri.SipUriError as error:
        return case.refuse(Cause.MALFORMED_REQUEST, detail=f"Request-URI: {error}")
    case.uri, case.called = uri, uri.user
    case.trunk_host = read_trunk_host(uri.host, policy)
    case.caller, _ = user_and_host(invite.from_header_uri)
    if invite.method != "INVITE":
        case.called = case.called or user_and_host(invite.to_uri)[0] or uri.host
        if invite.method == "REGISTER":
            return Admission(case, routing, policy, now, dice, first_use).judge_register()
        return _refuse_method(case, routing)
    if case.trunk_host.kind is not HostKind.LABEL and invite.authorization is None:
        carrier = routing.carrier_by_source(invite.source_ip)
        if carrier is not None:
            # To the Contact that we registered with it; the number is in To (RFC 3261 section 16.5 leaves it there).
            user = user_and_host(invite.to_uri)[0] if uri.user == carrier.sid else uri.user
            called = e164.from_carrier(user)
            number = routing.phone_number(called) if called is not None else None
            if _is_origination(number, invite, routing, policy):
                case.called = called or user
                relay = originate(number, carrier, case, routing, policy, dice)
                limits = _limits(relay, False, routing) if isinstance(relay, Relay) else None
                if counter is None or not isinstance(relay, Relay) or limits is None:
                    return relay
                if not invite.call_sid:
                    return relay
                exceeded = counter.begin(invite.call_sid, limits, now)
                return relay if exceeded is None else _too_many(exceeded, limits, case)
    admitted = Admission(case, routing, policy, now, dice, first_use).judge()
    if not isinstance(admitted, Admitted):
        return admitted
    return _terminate(admitted, case, routing, policy, dice, counter, now)


def refuse_unjudged(cause: Cause, invite: Invite, routing: RoutingData, policy: Policy, detail: str = "-") -> Reject:
    """A refusal of an INVITE that the edge does not judge at all (DRAINING, MESSAGE_TOO_LONG): whose it seems to be, by
    the called number of what a carrier sends, or else by the trunk that the host names or the address alone lets in.
    `detail`: what is wrong, for the causes that say it.
    """
    case = unread(invite)
    try:
        uri = sip_uri.parse(invite.ruri)
    except sip_uri.SipUriError:
        return case.refuse(cause, detail=detail)
    case.uri, case.trunk_host = uri, read_trunk_host(uri.host, policy)
    kind, label = case.trunk_host
    if kind is HostKind.LABEL:
        trunk = routing.trunk_by_label(label)
    else:
        called = e164.from_carrier(uri.user) if routing.carrier_by_source(invite.source_ip) is not None else None
        number = routing.phone_number(called) if called is not None else None
        if number is not None and invite.authorization is None:
            case.direction, case.called = ORIGINATION, number.phone_number
            case.account_sid, case.trunk_sid = number.account_sid, number.trunk_sid
            return case.refuse(cause, detail=detail)
        by_source = routing.trunks_by_source(invite.source_ip)
        alone = [sid for sid in by_source if not routing.has_credential_lists(sid)]
        trunk = routing.trunk(alone[0]) if len(alone) == 1 else None
    if trunk is not None:
        case.concerns(trunk)
    return case.refuse(cause, detail=detail)


def _is_origination(number: PhoneNumberRow | None, invite: Invite, routing: RoutingData, policy: Policy) -> bool:
    """Steps 4 to 6, for a request from a carrier's address."""
    if number is not None:
        return True
    source = invite.source_ip
    return not (source in _THIS_MACHINE or source in policy.own_hosts or routing.trunks_by_source(source))


def _terminate(
    admitted: Admitted,
    case: Case,
    routing: RoutingData,
    policy: Policy,
    dice: Random,
    counter: Counter | None,
    now: float,
) -> Relay | Reject:
    replaced = admitted.replace_caller_id
    # Admission has found the caller in From, has replaced it, or From asks for privacy.
    anonymous = replaced is None and user_and_host(case.invite.from_header_uri)[0] != admitted.caller
    caller = Caller(admitted.caller, anonymous)
    targets = carrier_targets(admitted.called, routing, policy, dice, caller, at_any_cost=admitted.emergency)
    if not targets:
        return case.refuse(Cause.NO_CARRIER)
    trunk = admitted.trunk
    relay = Relay(
        TERMINATION,
        trunk.account_sid,
        trunk.sid,
        admitted.caller,
        admitted.called,
        targets,
        media_mode(Side.CALLER if trunk.secure else None),
        admitted.replace_caller_id,
        admitted.alerts,
        longest=trunk.longest,
    )
    limits = _limits(relay, admitted.emergency, routing)
    if limits is None:
        return relay
    if case.trunk_host.kind is HostKind.LABEL and replaced is None and not admitted.emergency:
        standing.remember(case.invite, routing, trunk, caller, relay, limits)
    return _counted(relay, limits, case.invite, counter, now)


def _limits(relay: Relay, emergency: bool, routing: RoutingData) -> CallLimits | None:
    """None: trunk or account have gone meanwhile."""
    trunk, account = routing.trunk(relay.trunk_sid), routing.account(relay.account_sid)
    if trunk is None or account is None:
        return None
    # Origination is not limited in its rate (twilio.md 1.2): the carrier decides when a number is called.
    account_cps = account.cps if relay.direction == TERMINATION else 0.0
    return CallLimits(
        trunk.sid, account.sid, trunk.cps, account_cps, trunk.calls, account.calls, relay.longest, emergency
    )


def _counted(relay: Relay, limits: CallLimits, invite: Invite, counter: Counter | None, now: float) -> Relay | Reject:
    """The termination call, counted at its trunk, its account and its carrier; refused where there is no room. Whatever
    has no SID in the edge's hands (a test) is not counted.
    """
    call_sid = invite.call_sid
    if counter is None or not call_sid:
        return relay
    exceeded = counter.begin(call_sid, limits, now)
    if exceeded is not None:
        return _too_many(exceeded, limits, _case_of(relay, invite))
    targets = relay.targets
    if targets[0].terms is None:
        return relay
    left = with_room(targets, call_sid, counter, now)
    if left is targets:
        return relay
    if not left:
        counter.end(call_sid)
        return _case_of(relay, invite).refuse(Cause.CARRIERS_FULL)
    return replace(relay, targets=left)


def _too_many(exceeded: Exceeded, limits: CallLimits, case: Case) -> Reject:
    cause, limit = {
        "trunk_cps": (Cause.TRUNK_CPS_LIMIT, limits.trunk_cps),
        "account_cps": (Cause.ACCOUNT_CPS_LIMIT, limits.account_cps),
        "trunk_calls": (Cause.TRUNK_CONCURRENT_LIMIT, limits.trunk_calls),
        "account_calls": (Cause.ACCOUNT_CONCURRENT_LIMIT, limits.account_calls),
    }[exceeded]
    return case.refuse(cause, limit=f"{limit:g}")


def _case_of(relay: Relay, invite: Invite) -> Case:
    """What a refusal of this termination call says of it: most calls need none."""
    case = Case(invite)
    case.uri = sip_uri.parse(invite.ruri)
    case.trunk_sid, case.account_sid = relay.trunk_sid, relay.account_sid
    case.caller, case.called = relay.caller, relay.called
    return case


def _refuse_method(case: Case, routing: RoutingData) -> Reject:
    if case.trunk_host.kind is HostKind.LABEL:
        trunk = routing.trunk_by_label(case.trunk_host.label)
        if trunk is not None:
            case.concerns(trunk)
    return case.refuse(Cause.METHOD_NOT_ALLOWED, method=case.invite.method)
