"""Which carrier targets a termination call tries, in which order (PBX to PSTN)."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import NamedTuple

from trunkline.core import sip_uri
from trunkline.core.decision import Target
from trunkline.core.distribution import in_order
from trunkline.core.policy import Policy
from trunkline.core.routing_data import RoutingData

TRANSPORTS = frozenset(("udp", "tcp", "tls"))


class TargetAddress(NamedTuple):
    """Where a carrier target is: what stands behind the `@`, and how to get there."""

    host_port: str
    transport: str
    params: str
    """Other URI parameters with a leading `;`, or empty."""


def carrier_targets(called: str, routing: RoutingData, policy: Policy, dice: Random) -> tuple[Target, ...]:
    """At most `policy.max_attempts` targets: enabled carriers by priority and weight, and within each its enabled
    targets likewise.

    Empty when no usable target is configured. `called` is +E.164.
    """
    chosen: list[Target] = []
    carriers = {carrier: targets for carrier, targets in routing.carriers_with_targets() if carrier.enabled}
    for carrier in in_order(carriers, dice):
        for row in in_order([row for row in carriers[carrier] if row.enabled], dice):
            address = target_address(row.sip_uri)
            if address is None:
                continue
            ruri = f"sip:{called}@{address.host_port};transport={address.transport}{address.params}"
            chosen.append(
                Target(
                    row.sid,
                    carrier.sid,
                    ruri,
                    address.transport,
                    None,
                    policy.no_provisional_after,
                    policy.no_answer_after,
                )
            )
            if len(chosen) == policy.max_attempts:
                return tuple(chosen)
    return tuple(chosen)


@lru_cache(maxsize=4096)
def target_address(text: str) -> TargetAddress | None:
    """The address in a carrier target's URI, or None where it has no meaning (the API refuses such URIs)."""
    try:
        uri = sip_uri.parse(text)
    except sip_uri.SipUriError:
        return None
    transport = (uri.param("transport") or ("tls" if uri.scheme == "sips" else "udp")).lower()
    if uri.scheme == "tel" or transport not in TRANSPORTS:
        return None
    rest = [item for item in uri.params.split(";") if item and item.partition("=")[0].lower() != "transport"]
    return TargetAddress(uri.host_port, transport, "".join(f";{item}" for item in rest))
