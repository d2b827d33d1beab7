"""Which carrier targets a termination call tries, in which order (PBX to PSTN)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf
from random import Random
from typing import NamedTuple

from trunkline.core import sip_uri
from trunkline.core.carrier_format import Caller, dialled, identity_for
from trunkline.core.decision import Target, Terms
from trunkline.core.distribution import in_order, in_order_of
from trunkline.core.policy import Policy
from trunkline.core.routing_data import CarrierRow, CarrierTargetRow, RateRow, RoutingData

TRANSPORTS = frozenset(("udp", "tcp", "tls"))


class TargetAddress(NamedTuple):
    """Where a carrier target is: what stands behind the `@`, and how to get there."""

    host_port: str
    transport: str
    params: str
    """Other URI parameters with a leading `;`, or empty."""


class Place(NamedTuple):
    """A target that can be called."""

    sid: str
    carrier: CarrierRow
    host: str
    """What stands behind the `@` of the Request-URI."""
    transport: str


_NO_RATES: Mapping[str, RateRow] = {}


def carrier_targets(
    called: str,
    routing: RoutingData,
    policy: Policy,
    dice: Random,
    caller: Caller | None = None,
    *,
    at_any_cost: bool = False,
) -> tuple[Target, ...]:
    """At most `policy.max_attempts` targets: enabled carriers in their order (`_carriers`), and within each its enabled
    targets by priority and weight; those that are down only where all are.

    Empty when there is none. `called` is +E.164, or an emergency number. `caller`: None leaves the headers alone.
    `at_any_cost`: an emergency call, which takes also carriers with rates and none for this number, and counts against
    no limit of theirs.
    """
    rows_of = {carrier.sid: rows for carrier, rows in routing.carriers_with_targets()}
    rates = routing.rates(called) if routing.rated_carriers() else _NO_RATES
    rows = [
        (carrier, row)
        for carrier in _carriers(routing, policy, rates, dice, at_any_cost)
        for row in in_order([row for row in rows_of[carrier.sid] if row.enabled], dice)
    ]
    down = routing.targets_down()
    if down:
        rows = [pair for pair in rows if pair[1].sid not in down] or rows
    found = _usable(rows)[: policy.max_attempts]
    special = caller is not None and not all(place.carrier.plain for place in found)
    wait, ring = policy.no_provisional_after, policy.no_answer_after
    return tuple(
        [
            Target(place.sid, place.carrier.sid, f"sip:{called}@{place.host}", place.transport, None, wait, ring)
            if place.carrier.usual and not special and not rates
            else _special(place, called, caller if special else None, policy, rates.get(place.carrier.sid), at_any_cost)
            for place in found
        ]
    )


def _carriers(
    routing: RoutingData, policy: Policy, rates: Mapping[str, RateRow], dice: Random, at_any_cost: bool
) -> list[CarrierRow]:
    """The enabled carriers in the order of attempts: by priority, among equals the cheapest first (or the other way
    round, `policy.cheapest_first`), among equals again by weight.

    A carrier that has rates, but none for this number, does not take the call. One that has no rates at all is the
    dearest of its rank.
    """
    enabled = [carrier for carrier, _ in routing.carriers_with_targets() if carrier.enabled]
    rated = routing.rated_carriers()
    if not rated:
        return in_order(enabled, dice)
    if not at_any_cost:
        enabled = [carrier for carrier in enabled if carrier.sid in rates or carrier.sid not in rated]

    def rank(carrier: CarrierRow) -> tuple[float, float]:
        rate = rates.get(carrier.sid)
        cost = inf if rate is None else rate.price_micros
        return (cost, carrier.priority) if policy.cheapest_first else (carrier.priority, cost)

    return in_order_of(enabled, rank, dice)


def _special(
    place: Place, called: str, caller: Caller | None, policy: Policy, rate: RateRow | None, unlimited: bool
) -> Target:
    """`caller`: None where every carrier of the call gets the headers as they are."""
    carrier = place.carrier
    identity = None if caller is None else identity_for(carrier, caller, policy.advertised_host)
    terms = Terms(
        own_identity=identity is not None,
        from_uri=None if identity is None else identity.from_uri,
        credentials=carrier.auth_username is not None,
        cps=None if unlimited else carrier.cps,
        calls=None if unlimited else carrier.calls,
        rate=None if rate is None else (rate.price_micros, rate.first_seconds, rate.next_seconds),
    )
    asserted = None if identity is None else identity.asserted
    return Target(
        place.sid,
        carrier.sid,
        f"sip:{dialled(carrier, called)}@{place.host}",
        place.transport,
        None,
        policy.no_provisional_after,
        policy.no_answer_after,
        () if asserted is None else (("P-Asserted-Identity", f"<{asserted}>"),),
        terms=terms,
    )


def _usable(rows: Iterable[tuple[CarrierRow, CarrierTargetRow]]) -> list[Place]:
    """Those whose URI has a meaning, in the same order."""
    found: list[Place] = []
    for carrier, row in rows:
        address = target_address(row.sip_uri)
        if address is not None:
            host = f"{address.host_port};transport={address.transport}{address.params}"
            found.append(Place(row.sid, carrier, host, address.transport))
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
