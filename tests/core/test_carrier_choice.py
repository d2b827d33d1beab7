"""Which carrier takes a call: rates by prefix, cost or priority first, weight, what is down, who is full."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from example_world import CALLED, POLICY, sid, world
from memory_routing import MemoryRouting

from trunkline.core.call_price import price_micros
from trunkline.core.carrier_room import with_room
from trunkline.core.decision import Relay, Target, Terms, plan_from_json, plan_of, plan_to_json
from trunkline.core.failover import Failure, Stop, after_failure
from trunkline.core.routing_data import CarrierRow, CarrierTargetRow, RateRow
from trunkline.core.termination import carrier_targets

GERMAN = "+493012345678"


def carriers(*rows: CarrierRow) -> MemoryRouting:
    """One target each."""
    routing = world()
    routing.carriers = {row.sid: row for row in rows}
    routing.targets = [
        CarrierTargetRow(sid("CT", row.sid), row.sid, f"sip:{row.sid[-4:]}.test", 10, 10, True) for row in rows
    ]
    return routing


def carrier(name: str, priority: int = 10, weight: int = 10, **fields: Any) -> CarrierRow:
    return CarrierRow(sid("CX", name), True, priority, weight, **fields)


def rate(routing: MemoryRouting, name: str, prefix: str, price: int) -> None:
    routing.carrier_rates[sid("CX", name), prefix] = RateRow(price, 60, 60)


def chosen(routing: MemoryRouting, called: str = GERMAN, dice: Random | None = None, **changes: Any) -> list[str]:
    at_any_cost = changes.pop("at_any_cost", False)
    policy = replace(POLICY, **changes)
    found = carrier_targets(called, routing, policy, dice or Random(1), at_any_cost=at_any_cost)
    return [next(n for n in "abcde" if sid("CX", n) == target.carrier_sid) for target in found]


def test_the_longest_prefix_counts() -> None:
    routing = carriers(carrier("a"), carrier("b"))
    rate(routing, "a", "+49", 10)
    rate(routing, "a", "+4930", 30)
    rate(routing, "b", "+", 20)
    assert chosen(routing, GERMAN) == ["b", "a"]
    assert chosen(routing, "+49891234567") == ["a", "b"]
    (b, a) = carrier_targets(GERMAN, routing, POLICY, Random(1))
    assert a.terms is not None
    assert b.terms is not None
    assert (a.terms.rate, b.terms.rate) == ((30, 60, 60), (20, 60, 60))


@pytest.mark.parametrize(("cheapest_first", "order"), [(False, ["a", "c", "b"]), (True, ["b", "c", "a"])])
def test_priority_or_cost_first(cheapest_first: bool, order: list[str]) -> None:
    routing = carriers(carrier("a", 1), carrier("b", 2), carrier("c", 2))
    rate(routing, "a", "+", 30)
    rate(routing, "b", "+", 10 if cheapest_first else 20)
    rate(routing, "c", "+", 15)
    assert chosen(routing, cheapest_first=cheapest_first) == order


def test_a_carrier_without_rates_is_the_dearest_and_one_without_this_rate_is_none() -> None:
    routing = carriers(carrier("a"), carrier("b"), carrier("c"))
    rate(routing, "b", "+49", 10**9)
    rate(routing, "c", "+44", 1)
    assert chosen(routing) == ["b", "a"]
    assert chosen(routing, "+33123456789") == ["a"]
    assert sorted(chosen(routing, "112", at_any_cost=True)) == ["a", "b", "c"]


def test_equals_share_by_weight() -> None:
    routing = carriers(carrier("a", weight=30), carrier("b", weight=10))
    for name in "ab":
        rate(routing, name, "+", 10)
    dice = Random(7)
    first = Counter(chosen(routing, dice=dice)[0] for _ in range(4000))
    assert abs(first["a"] / 4000 - 0.75) < 0.02


def test_targets_that_are_down_are_passed_over_unless_all_are() -> None:
    routing = carriers(carrier("a", 1), carrier("b", 2))
    routing.down = {sid("CT", sid("CX", "a"))}
    assert chosen(routing) == ["b"]
    routing.down |= {sid("CT", sid("CX", "b"))}
    assert chosen(routing) == ["a", "b"]


# ---- room -----------------------------------------------------------------------------------------------------------


class Room:
    """A counter that lets these carriers take calls."""

    def __init__(self, *free: str) -> None:
        self.free, self.asked = free, []

    def place_at(
        self, call_sid: str, carrier_sid: str | None, cps: float | None, calls: int | None, now: float
    ) -> bool:
        self.asked.append(carrier_sid)
        return carrier_sid is None or carrier_sid in self.free


def target(name: str, **terms: Any) -> Target:
    return Target(f"CT{name}", name, f"sip:{name}", "udp", terms=Terms(**terms) if terms else None)


def test_full_carriers_are_passed_over() -> None:
    targets = (target("a", calls=1), target("b", cps=1.0), target("c"))
    assert with_room(targets, "CA1", Room("a"), 1.0) is targets
    assert with_room(targets, "CA1", Room("b"), 1.0) == targets[1:]
    room = Room()
    assert with_room(targets, "CA1", room, 1.0) == targets[2:]
    assert room.asked == ["a", "b"], "a carrier without limits is not counted"
    assert with_room(targets[:2], "CA1", room, 1.0) == ()
    room = Room()
    assert with_room((target("c"),), "CA1", room, 1.0, before=target("a", calls=1)) == (target("c"),)
    assert room.asked == [None], "the place at the carrier before is given back"


def test_the_plan_keeps_what_is_special() -> None:
    one = target("a", own_identity=True, from_uri="sip:x", credentials=True, cps=0.5, calls=3, rate=(1, 2, 3))
    relay = Relay("trunking-terminating", "AC", "TK", "+1", CALLED, (one, target("b")), "p")
    plan = plan_of(relay, "CA1")
    assert plan_from_json(plan_to_json(plan)) == plan


# ---- time -----------------------------------------------------------------------------------------------------------


def test_when_the_time_is_used_up_the_best_answer_goes_back() -> None:
    silence = Failure(408, "Request Timeout", local=True)
    verdict = after_failure(silence, "trunking-terminating", 2, None, time_is_up=True)
    assert isinstance(verdict, Stop)
    assert (verdict.status, verdict.why) == (503, "nothing came back in time; the time for the setup is used up")
    busy = after_failure(Failure(486, "Busy Here", replied=True), "trunking-terminating", 2, None, time_is_up=True)
    assert isinstance(busy, Stop)
    assert busy.why == "486: the callee is busy"


# ---- price ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "rate", "price"),
    [
        (0, (10_000, 60, 60), 0),
        (1, (10_000, 60, 60), 10_000),
        (60, (10_000, 60, 60), 10_000),
        (61, (10_000, 60, 60), 20_000),
        (61, (10_000, 30, 6), 11_000),
        (7, (6_000, 1, 1), 700),
        (1, (1, 1, 1), 1),
        (59, (10_000, 0, 0), 9_834),
    ],
)
def test_price(seconds: int, rate: tuple[int, int, int], price: int) -> None:
    assert price_micros(seconds, rate) == price
