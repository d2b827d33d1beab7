"""A PBX that redirects (3xx) on origination: one redirect of each origination URL is followed (twilio.md 1.4, "302").

Only the first Contact counts (RFC 3261 section 8.1.3.4 leaves that to us). Not followed: the redirect of a redirect,
that of a registered contact (a PBX that has moved registers anew), one to where it comes from, another one than a SIP
URI, our own hosts, and a private address where the PBX itself is not at one, which would let somebody on the Internet
have us call into our own network.
"""

from __future__ import annotations

from trunkline.core import name_addr, sip_uri
from trunkline.core.decision import ORIGINATION, Plan, Target, with_next
from trunkline.core.failover import Failure
from trunkline.core.host_name import is_name
from trunkline.core.media import PLAIN
from trunkline.core.networks import is_behind_nat
from trunkline.core.origination import escaped_user, kept_params
from trunkline.core.policy import Policy
from trunkline.core.termination import TRANSPORTS
from trunkline.core.trunk_host import HostKind, read_trunk_host


def follow(plan: Plan, failure: Failure, contact: str | None, policy: Policy) -> Plan | None:
    """The plan with the redirect's target before the others, or None where it is not followed.

    `contact`: the value of the answer's Contact header.
    """
    redirects = 300 <= failure.status < 400 and not failure.local and not failure.canceled
    if not redirects or not contact or plan.direction != ORIGINATION or plan.current.redirected or failure.early_media:
        return None
    if plan.current.target_sid == plan.trunk_sid:
        return None
    try:
        uri = sip_uri.parse(name_addr.parse(contact).uri)
        asked = sip_uri.parse(plan.current.ruri)
    except (name_addr.NameAddrError, sip_uri.SipUriError):
        return None
    if uri.scheme == "tel" or _is_ours(uri.host, policy):
        return None
    if is_behind_nat(uri.host) and not is_behind_nat(asked.host):
        return None
    target = _target(plan, uri, asked)
    if target.transport == plan.current.transport and _is_same(uri, asked):
        return None
    return with_next(plan, target)


def _is_same(uri: sip_uri.SipUri, asked: sip_uri.SipUri) -> bool:
    """A redirect to where it comes from: many PBXs put their own address into every Contact."""
    return (uri.user or asked.user, uri.host_port) == (asked.user, asked.host_port)


def _is_ours(host: str, policy: Policy) -> bool:
    """A name of ours. An own address on another port may be a PBX on this very machine."""
    return host not in policy.own_hosts and read_trunk_host(host, policy).kind is not HostKind.FOREIGN


def _target(plan: Plan, uri: sip_uri.SipUri, asked: sip_uri.SipUri) -> Target:
    current = plan.current
    transport = (uri.param("transport") or ("tls" if uri.scheme == "sips" else current.transport)).lower()
    if plan.media_mode != PLAIN or transport not in TRANSPORTS:
        transport = current.transport
    user = escaped_user(uri.user or asked.user)
    ruri = f"sip:{user}@{uri.host_port};transport={transport}{kept_params(uri.params)}"
    return Target(
        current.target_sid,
        None,
        ruri,
        transport,
        None,
        current.no_provisional_after,
        current.no_answer_after,
        current.headers,
        redirected=True,
        named=is_name(uri.host),
    )
