from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from example_world import ACCOUNT, CARRIER_SOURCE, DID, POLICY, Edge, invite, sid, trunk, world

from trunkline.core.decision import Relay
from trunkline.core.origination import caller_of, origination_address, origination_targets
from trunkline.core.routing_data import CarrierTargetRow, OriginationUrlRow

DIVERSION = ("Diversion", f"<sip:{DID}@acl.pstn.twilio.com>;reason=unconditional")


def one_url(url, row=None):
    routing = world()
    row = row or routing.trunks[sid("TK", "acl")]
    routing.urls = [OriginationUrlRow(sid("OU", "x"), row.sid, url, 10, 10, True)]
    return origination_targets(row, DID, routing, POLICY, Random(1))


@pytest.mark.parametrize(
    ("url", "ruri", "headers"),
    [
        ("sip:pbx.test", f"sip:{DID}@pbx.test;transport=udp", ()),
        ("sip://pbx.test", f"sip:{DID}@pbx.test;transport=udp", ()),
        (" sip:pbx.test:5070;transport=TCP ", f"sip:{DID}@pbx.test:5070;transport=tcp", ()),
        ("sips:pbx.test", f"sip:{DID}@pbx.test;transport=tls", ()),
        ("sip:[2001:db8::1]", f"sip:{DID}@[2001:db8::1];transport=udp", ()),
        (
            "sip:pbx.test;edge=dublin;region=ie1;tnx=TX1;transport=tcp;maddr=10.0.0.1",
            f"sip:{DID}@pbx.test;transport=tcp;maddr=10.0.0.1",
            (),
        ),
        ("sip:sales@pbx.test", "sip:sales@pbx.test;transport=udp", (DIVERSION,)),
        ("sip:al%40ice@pbx.test", "sip:al%40ice@pbx.test;transport=udp", (DIVERSION,)),
        (
            "sip:pbx.test?X-Team=a%20b&User-to-User=56&Subject=no&X-Twilio-Fake=1&X-Bad=%0d%0aVia",
            f"sip:{DID}@pbx.test;transport=udp",
            (("X-Team", "a b"), ("User-to-User", "56")),
        ),
    ],
)
def test_url_becomes_target(url, ruri, headers):
    (target,) = one_url(url)
    assert (target.ruri, target.headers, target.target_sid, target.carrier_sid) == (ruri, headers, sid("OU", "x"), None)
    assert target.transport == ruri.partition("transport=")[2].partition(";")[0]


@pytest.mark.parametrize("url", ["", "pbx.test", "tel:+15550100", "sip:pbx.test;transport=ws", "sip:"])
def test_unusable_urls_are_left_out(url):
    assert one_url(url) == ()
    assert origination_address(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "sip:+19005550100@192.0.2.10",
        "sip:192.0.2.11:5060;transport=udp",
        "sip:192.0.2.7:5080",
        "sip:[::ffff:192.0.2.7]",
        "sip:pbx.test;maddr=192.0.2.10",
        "sip:sbc.carrier.test:5062;transport=tcp",
        "sip:SBC.carrier.test.:5062",
        "sip:+19005550100@203.0.113.5:5060",
        "sip:edge.test",
        "sip:127.0.0.9:5060",
        "sip:localhost:15061;transport=tcp",
        "sips:203.0.113.5",
        "sip:+19005550100@acl.pstn.twilio.com",
        "sip:acl.dublin.trunk.test:5070",
        "sip:pstn.twilio.com",
    ],
)
def test_a_url_that_leads_to_a_carrier_or_back_to_us_is_left_out(url):
    """There our address is trusted: the call would reach the PSTN past every check."""
    assert _with_named_carrier(url) == ()


@pytest.mark.parametrize(
    "url",
    ["sip:127.0.0.1:5090", "sip:203.0.113.5:5070", "sip:sbc.carrier.test", "sip:other.pstn.twilio.com", "sip:9.9.9.9"],
)
def test_its_neighbours_are_not(url):
    """A PBX on this machine, another port of a host, a trunk of the vendor's own."""
    assert len(_with_named_carrier(url)) == 1


def _with_named_carrier(url):
    routing = world()
    row = routing.trunks[sid("TK", "acl")]
    routing.targets.append(
        CarrierTargetRow(sid("CT", "n"), sid("CX", "first"), "sip:sbc.carrier.test:5062", 10, 10, True)
    )
    routing.urls = [OriginationUrlRow(sid("OU", "x"), row.sid, url, 10, 10, True)]
    policy = replace(POLICY, own_ports=frozenset((5060, 5061, 15061)))
    return origination_targets(row, DID, routing, policy, Random(1))


def test_a_secure_trunk_forces_tls():
    (target,) = one_url("sip:pbx.test:5061;transport=udp", trunk("acl", secure=True))
    assert (target.ruri, target.transport) == (f"sip:{DID}@pbx.test:5061;transport=tls", "tls")


def test_priority_then_weight_and_never_a_disabled_one():
    routing = world()
    acl = routing.trunks[sid("TK", "acl")]
    rows = [("last", 30, 1, True), ("a", 10, 1, True), ("b", 10, 1, True), ("off", 1, 1, False)]
    routing.urls = [OriginationUrlRow(sid("OU", n), acl.sid, f"sip:{n}.test", p, w, on) for n, p, w, on in rows]
    seen = set()
    for seed in range(40):
        order = [target.target_sid for target in origination_targets(acl, DID, routing, POLICY, Random(seed))]
        assert order[2:] == [sid("OU", "last")]
        seen.add(order[0])
    assert seen == {sid("OU", "a"), sid("OU", "b")}


def test_a_secure_trunk_is_secure_on_the_callees_side():
    edge = Edge()
    edge.routing.trunks[sid("TK", "acl")] = trunk("acl", secure=True)
    relay = edge.decide(invite(ruri=f"sip:{DID}@203.0.113.5", source_ip=CARRIER_SOURCE))
    assert isinstance(relay, Relay)
    assert (relay.media_mode, relay.targets[0].transport, relay.account_sid) == ("S", "tls", ACCOUNT)


@pytest.mark.parametrize(
    ("from_uri", "pai", "caller"),
    [
        ("sip:+4930123456@carrier", None, "+4930123456"),
        ("sip:004930123456@carrier", None, "+4930123456"),
        ("sip:anonymous@anonymous.invalid", "<sip:+4930123456@carrier>", "+4930123456"),
        ("sip:anonymous@anonymous.invalid", None, "anonymous"),
        ("rubbish", None, ""),
    ],
)
def test_caller(from_uri, pai, caller):
    assert caller_of(invite(from_header_uri=from_uri, p_asserted_identity=pai)) == caller


def test_without_a_call_sid_there_is_no_header_for_it():
    relay = Edge().decide(invite(ruri=f"sip:{DID}@203.0.113.5", source_ip=CARRIER_SOURCE, call_sid=""))
    assert isinstance(relay, Relay)
    assert relay.headers == (("X-Twilio-AccountSid", ACCOUNT),)
