"""Which carrier targets a termination call tries, in which order (PBX to PSTN)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf
from random import Random
from typing import NamedTuple

from trunkline.core import sip_uri
from trunkline.core.carrier_format import Caller, dialled, identity_for
from trunkline.core.decision import Target, Terms
from trunkline.core.distribution import in_order, in_order_of
from trunkline.core.host_name import is_name
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
    host: str
    """What stands behind the `@` of the Request-URI."""
    transport: str
    priority: int
    weight: int
    carrier: CarrierRow
    named: bool
    """The host is a name."""


class Ready(NamedTuple):
    """An enabled carrier and where it can be called."""

    carrier: CarrierRow
    places: list[Place]
    priority: int
    weight: int


class _Known:
    """What was made of the carriers last: the same rows come with every call until somebody changes one."""

    def __init__(self) -> None:
        self._rows: object = None
        self.ready: list[Ready] = []
        self.usual = True
        """No carrier wants anything special, and none has a name for a host."""
        self.only: Place | None = None
        """Where every call goes: one carrier with one target that wants nothing special."""

    def of(self, rows: Sequence[tuple[CarrierRow, Sequence[CarrierTargetRow]]]) -> _Known:
        if rows is not self._rows:
            self.ready = [
                Ready(carrier, _places(carrier, targets), carrier.priority, carrier.weight)
                for carrier, targets in rows
                if carrier.enabled
            ]
            self.usual = all(one.carrier.usual for one in self.ready) and not any(
                place.named for one in self.ready for place in one.places
            )
            places = [place for one in self.ready for place in one.places]
            self.only = places[0] if self.usual and len(places) == 1 else None
            self._rows = rows
        return self


_known = _Known()


def only_place(routing: RoutingData) -> Place | None:
    """Where every call goes as long as the routing data stay the same, whatever else happens: to `usual_target` there.
    None: `carrier_targets` says it.
    """
    return None if routing.rated_carriers() else _known.of(routing.carriers_with_targets()).only


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
    """At most `policy.max_attempts` targets: enabled carriers by priority and weight, or `_by_rates`, and within each
    its enabled targets by priority and weight; those that are down only where all are.

    Empty when there is none. `called` is +E.164, or an emergency number. `caller`: None leaves the headers alone.
    `at_any_cost`: an emergency call, which takes also carriers with rates and none for this number, and counts against
    no limit of theirs.
    """
    only = only_place(routing)
    if only is not None:
        return (usual_target(only, called, policy),)
    known = _known.of(routing.carriers_with_targets())
    rates = _NO_RATES
    if routing.rated_carriers():
        rates = routing.rates(called)
        ready = _by_rates(known.ready, routing, policy, rates, dice, at_any_cost)
    else:
        ready = in_order(known.ready, dice)
    places = [place for one in ready for place in in_order(one.places, dice)]
    down = routing.targets_down()
    if down:
        places = [place for place in places if place.sid not in down] or places
    found = places[: policy.max_attempts]
    if known.usual and not rates:
        return tuple([usual_target(place, called, policy) for place in found])
    if all(place.carrier.plain for place in found):
        caller = None
    return tuple(
        [_special(place, called, caller, policy, rates.get(place.carrier.sid), at_any_cost) for place in found]
    )


def usual_target(place: Place, called: str, policy: Policy) -> Target:
    """Of a carrier that wants nothing special. `called`: +E.164, or an emergency number."""
    sid, host, transport, _, _, carrier, _ = place
    wait, ring = policy.no_provisional_after, policy.no_answer_after
    return Target(sid, carrier.sid, f"sip:{called}@{host}", transport, None, wait, ring)


def _by_rates(
    ready: Sequence[Ready],
    routing: RoutingData,
    policy: Policy,
    rates: Mapping[str, RateRow],
    dice: Random,
    at_any_cost: bool,
) -> list[Ready]:
    """The carriers in the order of attempts: by priority, among equals the cheapest first (or the other way round,
    `policy.cheapest_first`), among equals again by weight.

    A carrier that has rates, but none for this number, does not take the call. One that has no rates at all is the
    dearest of its rank.
    """
    if not at_any_cost:
        rated = routing.rated_carriers()
        ready = [one for one in ready if one.carrier.sid in rates or one.carrier.sid not in rated]

    def rank(one: Ready) -> tuple[float, float]:
        rate = rates.get(one.carrier.sid)
        cost = inf if rate is None else rate.price_micros
        return (cost, one.priority) if policy.cheapest_first else (one.priority, cost)

    return in_order_of(ready, rank, dice)


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
        named=place.named,
    )


def _places(carrier: CarrierRow, rows: Iterable[CarrierTargetRow]) -> list[Place]:
    """The enabled targets whose URI has a meaning."""
    found: list[Place] = []
    for row in rows:
        address = target_address(row.sip_uri) if row.enabled else None
        if address is not None:
            host = f"{address.host_port};transport={address.transport}{address.params}"
            named = is_name(sip_uri.parse(row.sip_uri).host)
            found.append(Place(row.sid, host, address.transport, row.priority, row.weight, carrier, named))
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
