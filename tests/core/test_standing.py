"""A sender who was let in before: the short way lets in exactly what the long way would, and refuses nothing itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

import pytest
from example_world import CALLED, NOW, OWNED, PBX, POLICY, STRANGER, VERIFIED, Edge, answer_to, invite, sid, world
from memory_routing import MemoryRouting

from trunkline.core import standing
from trunkline.core.call_limits import CallLimits
from trunkline.core.cause import Cause
from trunkline.core.decision import Challenge, Reject, Relay
from trunkline.core.route import decide
from trunkline.core.routing_data import RateRow


class Remembering(MemoryRouting):
    """Keeps standings as routing.db does while nothing changes, and says which trunks were looked up."""

    @property
    def standings(self):
        return self.__dict__.setdefault("kept", {})

    def trunk_by_label(self, label):
        self.__dict__.setdefault("looked_up", []).append(label)
        return super().trunk_by_label(label)


def remembering() -> Remembering:
    return Remembering(**vars(world()))


def answered(edge: Edge, request, username, password="Secret-12345", **answer):
    challenge = edge.decide(replace(request, authorization=None))
    assert isinstance(challenge, Challenge), challenge
    return replace(request, authorization=answer_to(challenge, request, username, password, **answer))


def test_the_second_call_is_judged_by_what_changed():
    edge = Edge(remembering())
    first = answered(edge, invite("creds", from_header_uri=f"sip:{VERIFIED}@x"), "alice")
    second = answered(edge, invite("creds", "+15550111111", from_header_uri=f"sip:{VERIFIED}@x"), "alice")
    assert isinstance(edge.decide(first), Relay)
    edge.routing.looked_up.clear()
    again = edge.decide(second)
    assert isinstance(again, Relay)
    assert (again.caller, again.called, again.targets[0].ruri.partition("@")[0]) == (
        VERIFIED,
        "+15550111111",
        "sip:+15550111111",
    )
    assert edge.routing.looked_up == []


def test_the_answer_of_the_challenge_is_good_once():
    edge = Edge(remembering())
    request = answered(edge, invite("creds"), "alice")
    assert isinstance(edge.decide(request), Relay)
    replay = edge.decide(request)
    assert isinstance(replay, Challenge)
    assert replay.stale


def test_an_old_nonce_is_stale():
    edge = Edge(remembering())
    assert isinstance(edge.decide(answered(edge, invite("creds"), "alice")), Relay)
    request = answered(edge, invite("creds"), "alice")
    edge.now += POLICY.nonce_lifetime + 1
    late = edge.decide(request)
    assert isinstance(late, Challenge)
    assert late.stale


LABELS = {"creds": "alice", "both": "bob", "sha": "shauser", "secure": "sec", "replacing": "repl", "acl": None}
CALLEDS = (
    CALLED,
    "+15550100001",
    "442071234567",
    "112",
    "911",
    "+882123456789",
    "+",
    "",
    "sip",
    "+1555010000123456789",
)
CHANGES = (
    {},
    {"source_ip": STRANGER},
    {"from_header_uri": f"sip:{VERIFIED}@{PBX}"},
    {"from_header_uri": "sip:+15550109999@x"},
    {"from_header_uri": "sip:anonymous@anonymous.invalid"},
    {"from_header_uri": "sip:anonymous@anonymous.invalid", "p_asserted_identity": f"<sip:{OWNED}@x>"},
    {"p_asserted_identity": "<sip:+15550109999@x>"},
    {"transport": "tls", "offers_srtp": True},
    {"transport": "tls", "offers_srtp": True, "offers_srtp_key": False},
    {"transport": "tls"},
    {"offers_srtp": True},
    {"has_sdp": False},
    {"ruri": f"tel:{CALLED}"},
    {"ruri": f"sips:{CALLED}@creds.pstn.twilio.com"},
    {"ruri": f"sip:{CALLED}@pstn.twilio.com"},
)
ANSWERS = ({}, {"password": "wrong"}, {"uri": "sip:+15550000000@x"}, {"algorithm": "SHA-256"}, {"realm": "other"})


@pytest.mark.parametrize("label", LABELS)
def test_with_and_without_a_memory_the_same(label):
    """Every request after every other one, in one order drawn by lot: the two sides decide the same each time."""
    memory, fresh = Edge(remembering()), Edge()
    requests = [
        invite(label, called, **({"ruri": change["ruri"].replace("creds", label)} if "ruri" in change else change))
        for called, change in product(CALLEDS, CHANGES)
    ] * 2
    Random(3).shuffle(requests)
    username = LABELS[label]
    lots = Random(4)
    outcomes = []
    for request in requests:
        sent = request
        challenge = fresh.decide(request)
        if isinstance(challenge, Challenge) and username is not None:
            answer = dict(lots.choice(ANSWERS + ({},) * 5))
            password = answer.pop("password", "Secret-12345")
            sent = replace(request, authorization=answer_to(challenge, request, username, password, **answer))
        with_memory, without = memory.decide(sent), fresh.decide(sent)
        outcomes.append(type(without))
        if isinstance(without, Challenge):
            assert isinstance(with_memory, Challenge)
            assert (with_memory.status, with_memory.stale) == (without.status, without.stale)
        else:
            assert with_memory == without, sent
    assert outcomes.count(Relay) > 20
    assert Reject in outcomes


def test_a_sender_is_forgotten_with_the_routing_data():
    edge = Edge(remembering())
    edge.decide(answered(edge, invite("creds"), "alice"))
    edge.routing.standings.clear()
    edge.routing.accounts = {sid_: row._replace(funds=False) for sid_, row in edge.routing.accounts.items()}
    refused = edge.decide(answered(edge, invite("creds"), "alice"))
    assert isinstance(refused, Reject)
    assert refused.cause is Cause.NO_FUNDS


class Full:
    """A counter that takes one call."""

    def __init__(self):
        self.limits: list[CallLimits] = []

    def begin(self, call_sid, limits, now):
        self.limits.append(limits)
        return None if len(self.limits) == 1 else "trunk_calls"

    def place_at(self, *_):
        return True

    def end(self, call_sid):
        raise AssertionError("nothing to end")


def test_a_limit_is_refused_with_all_that_is_known_of_the_call():
    outcomes = []
    for routing in (remembering(), world()):
        edge, counter = Edge(routing), Full()
        for _ in range(2):
            request = answered(edge, invite("creds"), "alice")
            outcome = decide(request, routing, POLICY, NOW, Random(1), edge.first_use, counter)
        assert counter.limits[0] == counter.limits[1]
        outcomes.append(outcome)
    assert isinstance(outcomes[0], Reject)
    assert outcomes[0].cause is Cause.TRUNK_CONCURRENT_LIMIT
    assert outcomes[0] == outcomes[1]


def test_the_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(standing, "MOST", 3)
    edge = Edge(remembering())
    for n in range(10):
        edge.decide(invite("acl", from_header_uri=f"sip:{OWNED}@198.51.100.{n}"))
        assert 1 <= len(edge.routing.standings) <= 3


def test_a_number_rule_is_no_standing():
    routing = remembering()
    trunk = sid("TK", "acl")
    routing.trunks[trunk] = routing.trunks[trunk]._replace(number_rules='[{"match": "00", "strip": 2, "prefix": "+"}]')
    edge = Edge(routing)
    assert isinstance(edge.decide(invite("acl", "00442071234567")), Relay)
    assert routing.standings == {}


def test_the_only_carrier_target_is_remembered_like_the_rest():
    """One that is down is still the only one; a second one, or a rate, comes with other routing data."""
    edges, outcomes = (Edge(remembering()), Edge()), []
    for change in range(3):
        for routing in (edge.routing for edge in edges):
            first = routing.targets[0]
            if change == 0:
                routing.targets, routing.down = [first], {first.sid}
            elif change == 1:
                routing.targets.append(first._replace(sid=sid("CT", "more"), sip_uri="sip:192.0.2.99", priority=20))
            else:
                routing.carrier_rates[(first.carrier_sid, "+44")] = RateRow(10_000, 60, 60)
        edges[0].routing.standings.clear()
        for called in (CALLED, "+442071234568", "+15550111111"):
            request = answered(edges[1], invite("creds", called), "alice")
            with_memory, without = (edge.decide(request) for edge in edges)
            assert with_memory == without
            outcomes.append(
                [target.target_sid for target in without.targets] if isinstance(without, Relay) else without.cause
            )
    one, more = [sid("CT", "one")], [sid("CT", "more")]
    assert outcomes == [one, one, one, more, more, more, more, more, Cause.NO_CARRIER]
