from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from example_world import CALLED, POLICY, sid, world

from trunkline.core.routing_data import CarrierRow, CarrierTargetRow
from trunkline.core.termination import carrier_targets, target_address


def targets_of(routing, policy=POLICY, seed=1):
    return carrier_targets(CALLED, routing, policy, Random(seed))


def add_carrier(routing, name, priority, *uris, enabled=True, weight=10):
    routing.carriers[sid("CX", name)] = CarrierRow(sid("CX", name), enabled, priority, weight)
    for at, uri in enumerate(uris):
        routing.targets.append(CarrierTargetRow(sid("CT", f"{name}{at}"), sid("CX", name), uri, 10 * at, 10, True))


def test_carriers_by_priority_then_their_targets_by_priority():
    routing = world()
    add_carrier(routing, "zero", 5, "sip:a.test:5080;transport=tcp", "sip:b.test")
    add_carrier(routing, "off", 1, "sip:off.test", enabled=False)
    found = targets_of(routing)
    assert [target.ruri for target in found] == [
        f"sip:{CALLED}@a.test:5080;transport=tcp",
        f"sip:{CALLED}@b.test;transport=udp",
        f"sip:{CALLED}@192.0.2.10:5060;transport=udp",
        f"sip:{CALLED}@192.0.2.11;transport=tcp",
    ]
    assert [target.carrier_sid for target in found] == [sid("CX", "zero")] * 2 + [sid("CX", "first")] * 2
    assert {(target.no_provisional_after, target.no_answer_after, target.next_hop) for target in found} == {
        (4.0, 185.0, None)
    }


def test_at_most_so_many_attempts():
    routing = world()
    add_carrier(routing, "many", 20, *(f"sip:c{n}.test" for n in range(9)))
    assert len(targets_of(routing)) == 4
    assert len(targets_of(routing, replace(POLICY, max_attempts=1))) == 1


def test_disabled_and_unusable_targets_are_left_out():
    routing = world()
    routing.targets = [
        routing.targets[0]._replace(enabled=False),
        routing.targets[0]._replace(sid=sid("CT", "bad"), sip_uri="not a uri"),
        routing.targets[1],
    ]
    assert [target.target_sid for target in targets_of(routing)] == [sid("CT", "two")]


def test_weights_share_the_calls():
    routing = world()
    add_carrier(routing, "second", 10, "sip:second.test", weight=30)
    dice = Random(1)
    first = [carrier_targets(CALLED, routing, POLICY, dice)[0].carrier_sid for _ in range(2000)]
    assert 0.7 < first.count(sid("CX", "second")) / 2000 < 0.8


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:h", ("h", "udp", "")),
        ("sip:h:5061;transport=TLS", ("h:5061", "tls", "")),
        ("sips:h", ("h", "tls", "")),
        ("sip:[2001:db8::1]:5060;transport=tcp;lr;x=1", ("[2001:db8::1]:5060", "tcp", ";lr;x=1")),
        ("sip:h;transport=sctp", None),
        ("tel:+15550100", None),
        ("", None),
    ],
)
def test_target_address(uri, address):
    assert target_address(uri) == address
