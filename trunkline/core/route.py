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

from random import Random

from trunkline.core import e164, sip_uri
from trunkline.core.admission import Admission, Admitted, FirstUse
from trunkline.core.caller_id import user_and_host
from trunkline.core.cause import Cause
from trunkline.core.decision import TERMINATION, Decision, Reject, Relay
from trunkline.core.invite import Invite
from trunkline.core.media import Side, media_mode
from trunkline.core.origination import originate
from trunkline.core.policy import Policy
from trunkline.core.refusal import Case
from trunkline.core.routing_data import PhoneNumberRow, RoutingData
from trunkline.core.termination import carrier_targets
from trunkline.core.trunk_host import HostKind, read_trunk_host

_THIS_MACHINE = frozenset(("127.0.0.1", "::1"))


def decide(
    invite: Invite, routing: RoutingData, policy: Policy, now: float, dice: Random, first_use: FirstUse
) -> Decision:
    """The decision on one INVITE or REGISTER.

    `now`: Unix seconds. `dice`: must be seeded apart in each worker, or nonces repeat. `first_use`: see
    `admission.FirstUse`. Raises nothing of its own; what `routing` and `first_use` raise goes through (the edge
    answers 500).
    """
    case = Case(invite)
    try:
        uri = sip_uri.parse(invite.ruri)
    except sip_uri.SipUriError as error:
        return case.refuse(Cause.MALFORMED_REQUEST, detail=f"Request-URI: {error}")
    case.uri, case.called = uri, uri.user
    case.trunk_host = read_trunk_host(uri.host, policy)
    case.caller, _ = user_and_host(invite.from_header_uri)
    if invite.method != "INVITE":
        return _refuse_method(case, routing)
    if case.trunk_host.kind is not HostKind.LABEL and invite.authorization is None:
        carrier = routing.carrier_by_source(invite.source_ip)
        if carrier is not None:
            called = e164.from_carrier(uri.user)
            number = routing.phone_number(called) if called is not None else None
            if _is_origination(number, invite, routing, policy):
                case.called = called or uri.user
                return originate(number, carrier, case, routing, policy, dice)
    admitted = Admission(case, routing, policy, now, dice, first_use).judge()
    return _terminate(admitted, case, routing, policy, dice) if isinstance(admitted, Admitted) else admitted


def _is_origination(number: PhoneNumberRow | None, invite: Invite, routing: RoutingData, policy: Policy) -> bool:
    """Steps 4 to 6, for a request from a carrier's address."""
    if number is not None:
        return True
    source = invite.source_ip
    return not (source in _THIS_MACHINE or source in policy.own_hosts or routing.trunks_by_source(source))


def _terminate(admitted: Admitted, case: Case, routing: RoutingData, policy: Policy, dice: Random) -> Decision:
    targets = carrier_targets(admitted.called, routing, policy, dice)
    if not targets:
        return case.refuse(Cause.NO_CARRIER)
    trunk = admitted.trunk
    return Relay(
        TERMINATION,
        trunk.account_sid,
        trunk.sid,
        admitted.caller,
        admitted.called,
        targets,
        media_mode(Side.CALLER if trunk.secure else None),
        admitted.replace_caller_id,
        admitted.alerts,
    )


def _refuse_method(case: Case, routing: RoutingData) -> Reject:
    if case.trunk_host.kind is HostKind.LABEL:
        trunk = routing.trunk_by_label(case.trunk_host.label)
        if trunk is not None:
            case.concerns(trunk)
    case.called = case.called or user_and_host(case.invite.to_uri)[0] or case.uri.host
    if case.invite.method == "REGISTER":
        return case.refuse(Cause.REGISTER_REFUSED)
    return case.refuse(Cause.METHOD_NOT_ALLOWED, method=case.invite.method)
