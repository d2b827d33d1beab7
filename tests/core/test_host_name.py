"""A target with a name for a host: its addresses in the order of RFC 3263 and 2782, and when the next one is tried."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from trunkline.core.decision import ORIGINATION, Plan, Target, plan_from_json, plan_to_json
from trunkline.core.failover import Failure
from trunkline.core.host_name import MOST_ADDRESSES, Service, each_address, is_name, without_other_addresses

OTHER = Target("OU2", None, "sip:1@192.0.2.99;transport=udp", "udp")


class Records:
    """Names that a test states."""

    def __init__(self, addresses=None, services=None):
        self.known, self.served = addresses or {}, services or {}
        self.asked = []

    def addresses(self, host):
        self.asked.append(host)
        return self.known.get(host, [])

    def services(self, name):
        self.asked.append(name)
        return self.served.get(name, [])


def named(ruri="sip:1@pbx.test;transport=udp", transport="udp", **more):
    return Target("OU1", None, ruri, transport, named=True, **more)


def hops(target, names, seed=1):
    return [one.next_hop for one in each_address((target, OTHER), names, Random(seed)) if one.target_sid == "OU1"]


@pytest.mark.parametrize(
    ("host", "expected"), [("192.0.2.1", False), ("2001:db8::1", False), ("pbx.test", True), ("1.2.3", True)]
)
def test_what_has_to_be_looked_up(host, expected):
    assert is_name(host) is expected


def test_each_address_of_a_host_in_the_order_of_the_answer():
    names = Records({"pbx.test": ["192.0.2.2", "192.0.2.1"]})
    found = each_address((named("sip:1@pbx.test:5070;transport=udp"), OTHER), names, Random(1))
    assert [(one.next_hop, one.other_address) for one in found] == [
        ("sip:192.0.2.2:5070;transport=udp", False),
        ("sip:192.0.2.1:5070;transport=udp", True),
        (None, False),
    ]
    assert {one.ruri for one in found[:2]} == {"sip:1@pbx.test:5070;transport=udp"}
    assert names.asked == ["pbx.test"]  # with a port there is no SRV (RFC 3263 section 4.2)


@pytest.mark.parametrize(
    ("transport", "record"),
    [("udp", "_sip._udp.pbx.test"), ("tcp", "_sip._tcp.pbx.test"), ("tls", "_sips._tcp.pbx.test")],
)
def test_services_by_priority_and_then_each_address_of_theirs(transport, record):
    names = Records(
        {"a.test": ["192.0.2.1"], "b.test": ["192.0.2.2", "2001:db8::2"], "pbx.test": ["192.0.2.9"]},
        {record: [Service(20, 1, 5062, "a.test"), Service(10, 1, 5061, "b.test")]},
    )
    target = named(f"sip:1@pbx.test;transport={transport}", transport)
    assert hops(target, names) == [
        f"sip:192.0.2.2:5061;transport={transport}",
        f"sip:[2001:db8::2]:5061;transport={transport}",
        f"sip:192.0.2.1:5062;transport={transport}",
    ]


@pytest.mark.parametrize(("transport", "port"), [("udp", 5060), ("tcp", 5060), ("tls", 5061)])
def test_without_services_the_usual_port(transport, port):
    names = Records({"pbx.test": ["192.0.2.1", "192.0.2.2"]})
    target = named(f"sip:1@pbx.test;transport={transport}", transport)
    assert hops(target, names)[1] == f"sip:192.0.2.2:{port};transport={transport}"


def test_weights_share_the_first_place():
    names = Records(
        {"a.test": ["192.0.2.1"], "b.test": ["192.0.2.2"]},
        {"_sip._udp.pbx.test": [Service(10, 30, 5060, "a.test"), Service(10, 10, 5060, "b.test")]},
    )
    dice = Random(7)
    first = Counter(each_address((named(),), names, dice)[0].next_hop for _ in range(10_000))
    assert first["sip:192.0.2.1:5060;transport=udp"] == pytest.approx(7500, abs=200)


def test_without_any_address_it_is_left_to_the_edge():
    targets = (named(), OTHER)
    assert each_address(targets, Records(), Random(1)) == targets


@pytest.mark.parametrize("known", [["192.0.2.1"], ["192.0.2.1", "192.0.2.1"]])
def test_one_address(known):
    assert hops(named(), Records({"pbx.test": known})) == ["sip:192.0.2.1:5060;transport=udp"]


def test_an_address_or_a_known_way_is_not_looked_up():
    names = Records({"pbx.test": ["192.0.2.1", "192.0.2.2"]})
    for target in (OTHER, named(next_hop="sip:192.0.2.7:5060;transport=udp")):
        assert each_address((target,), names, Random(1)) == (target,)
    assert names.asked == []


def test_there_is_an_end_to_it():
    many = [Service(n, 1, 5060, f"h{n}.test") for n in range(50)]
    names = Records({f"h{n}.test": [f"192.0.2.{n}"] for n in range(50)}, {"_sip._udp.pbx.test": many})
    assert len(hops(named(), names)) == MOST_ADDRESSES
    assert len(names.asked) == 1 + MOST_ADDRESSES


# ---- after a failure ------------------------------------------------------------------------------------------------


def plan():
    names = Records({"pbx.test": ["192.0.2.1", "192.0.2.2", "192.0.2.3"]})
    first, *rest = each_address((named(), OTHER), names, Random(1))
    return Plan("CA1", ORIGINATION, "AC1", "TK1", "+15550199", "1", "p", None, (), 0, first, tuple(rest))


@pytest.mark.parametrize(
    "failure",
    [
        Failure(408, local=True),
        Failure(477, "could not be sent", local=True),
        Failure(478, local=True),
        Failure(503, "Service Unavailable", replied=True),
    ],
)
def test_the_next_address_where_nobody_was_at_the_first(failure):
    assert without_other_addresses(plan(), failure) == plan()


@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 480, 486, 500, 504, 600, 603])
def test_an_answer_is_the_answer_of_all_addresses(status):
    left = without_other_addresses(plan(), Failure(status, "Said So", replied=True))
    assert left.remaining == (OTHER,)


def test_only_the_current_targets_own_addresses_go():
    one = plan()
    mixed = replace(one, remaining=(OTHER, *one.remaining))
    assert without_other_addresses(mixed, Failure(486, replied=True)) == mixed


def test_the_plan_remembers_it():
    assert plan_from_json(plan_to_json(plan())) == plan()
