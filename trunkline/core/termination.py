"""Which carrier targets a termination call tries, in which order (PBX to PSTN)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple

from trunkline.core import sip_uri
from trunkline.core.decision import Target
from trunkline.core.distribution import in_order
from trunkline.core.policy import Policy
from trunkline.core.routing_data import CarrierRow, CarrierTargetRow, RoutingData

TRANSPORTS = frozenset(("udp", "tcp", "tls"))


class TargetAddress(NamedTuple):
    """Where a carrier target is: what stands behind the `@`, and how to get there."""

    host_port: str
    transport: str
    params: str
    """Other URI parameters with a leading `;`, or empty."""


class FixedTarget(NamedTuple):
    """A target of a fixed order."""

    sid: str
    carrier_sid: str
    place: str
    """What stands behind the `@` of the Request-URI."""
    transport: str


def carrier_targets(called: str, routing: RoutingData, policy: Policy, dice: Random) -> tuple[Target, ...]:
    """At most `policy.max_attempts` targets: enabled carriers by priority and weight, and within each its enabled
    targets likewise.

    Empty when no usable target is configured. `called` is +E.164.
    """
    carriers = {carrier: targets for carrier, targets in routing.carriers_with_targets() if carrier.enabled}
    rows = [
        row
        for carrier in in_order(carriers, dice)
        for row in in_order([row for row in carriers[carrier] if row.enabled], dice)
    ]
    wait, ring = policy.no_provisional_after, policy.no_answer_after
    return tuple(
        [
            Target(sid, carrier, f"sip:{called}@{place}", transport, None, wait, ring)
            for sid, carrier, place, transport in _usable(rows)[: policy.max_attempts]
        ]
    )


def fixed_order(
    carriers: Sequence[tuple[CarrierRow, Sequence[CarrierTargetRow]]], most: int
) -> tuple[FixedTarget, ...] | None:
    """The targets of every call, where no dice decide because nowhere two have the same priority; else None."""
    enabled = [(carrier, [row for row in rows if row.enabled]) for carrier, rows in carriers if carrier.enabled]
    ranked = [[carrier.priority for carrier, _ in enabled], *[[row.priority for row in rows] for _, rows in enabled]]
    if any(len(set(priorities)) < len(priorities) for priorities in ranked):
        return None
    enabled.sort(key=lambda pair: pair[0].priority)
    return tuple(_usable([row for _, rows in enabled for row in sorted(rows, key=lambda row: row.priority)])[:most])


def _usable(rows: Iterable[CarrierTargetRow]) -> list[FixedTarget]:
    """Those whose URI has a meaning, in the same order."""
    found: list[FixedTarget] = []
    for row in rows:
        address = target_address(row.sip_uri)
        if address is not None:
            place = f"{address.host_port};transport={address.transport}{address.params}"
            found.append(FixedTarget(row.sid, row.carrier_sid, place, address.transport))
    return found


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
