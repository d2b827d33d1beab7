"""A target whose host is a name: its addresses, one attempt each (RFC 3263 sections 4.2 and 4.3).

    port in the URI      A and AAAA records of the host
    no port              SRV records of the transport, by priority and weight (RFC 2782), and the addresses of each;
                         without any, A and AAAA records and the usual port

The next address is tried where the one before was not there: nothing came back, no connection, or 503. Any other answer
is an answer of the target, and what follows says `failover`: whoever was busy or declined is not asked at his other
address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple, Protocol

from trunkline.core import sip_uri
from trunkline.core.decision import Plan, Target
from trunkline.core.distribution import in_order
from trunkline.core.failover import Failure

MOST_ADDRESSES = 4
"""Of one target: with 4 s each, the time for the setup is over by then."""
_SERVICES = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Service(NamedTuple):
    """An SRV record."""

    priority: int
    weight: int
    port: int
    host: str


class Names(Protocol):
    """The domain name system. What cannot be found out is empty."""

    def addresses(self, host: str) -> Sequence[str]:
        """Of the families that the edge speaks, without brackets."""

    def services(self, name: str) -> Sequence[Service]:
        """`name`: `_sip._udp.pbx.example.com`."""


def is_name(host: str) -> bool:
    """Whether it has to be looked up. `host`: as `sip_uri` gives it, without brackets."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def each_address(targets: tuple[Target, ...], names: Names, dice: Random) -> tuple[Target, ...]:
    """The targets, the first of them once for each of its addresses.

    Without any it stays as it is: that there is none, the edge finds by itself.
    """
    first = targets[0]
    if not first.named or first.next_hop is not None:
        return targets
    hops = _next_hops(first, names, dice)
    if not hops:
        return targets
    return tuple([replace(first, next_hop=hop, other_address=n > 0) for n, hop in enumerate(hops)]) + targets[1:]


def without_other_addresses(plan: Plan, failure: Failure) -> Plan:
    """The plan without the other addresses of its current target, unless that address was not there."""
    if failure.local or failure.status == 503:
        return plan
    rest = plan.remaining
    while rest and rest[0].other_address:
        rest = rest[1:]
    return plan if rest is plan.remaining else replace(plan, remaining=rest)


def _next_hops(target: Target, names: Names, dice: Random) -> list[str]:
    """Where to send it, one after the other, as SIP URIs; at most MOST_ADDRESSES."""
    uri = sip_uri.parse(target.ruri)
    found: list[tuple[str, int]] = []
    if uri.port is None:
        for service in in_order(names.services(_SERVICES[target.transport] + uri.host), dice):
            found += [(address, service.port) for address in names.addresses(service.host)]
            if len(found) >= MOST_ADDRESSES:
                break
    if not found:
        port = uri.port or _PORTS[target.transport]
        found = [(address, port) for address in names.addresses(uri.host)]
    distinct = list(dict.fromkeys(found))[:MOST_ADDRESSES]
    return [f"sip:{sip_uri.bracketed(host)}:{port};transport={target.transport}" for host, port in distinct]
