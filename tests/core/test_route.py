"""Termination or origination, and whole decisions from the INVITE to the targets."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import pytest
from example_world import (
    ACCOUNT,
    CALLED,
    CARRIER_SOURCE,
    DID,
    OWNED,
    POLICY,
    STRANGER,
    Edge,
    answer_to,
    invite,
    sid,
    world,
)

from trunkline.core.cause import Cause
from trunkline.core.decision import Challenge, Reject, Relay
from trunkline.core.route import refuse_unjudged
from trunkline.core.routing_data import AccountRow


def test_termination_by_address_goes_to_the_carriers_targets_in_order():
    relay = Edge().decide(invite("acl"))
    assert isinstance(relay, Relay)
    assert relay.direction == "trunking-terminating"
    assert (relay.account_sid, relay.trunk_sid) == (ACCOUNT, sid("TK", "acl"))
    assert (relay.caller, relay.called, relay.media_mode) == (OWNED, CALLED, "p")
    assert [target.ruri for target in relay.targets] == [
        f"sip:{CALLED}@192.0.2.10:5060;transport=udp",
        f"sip:{CALLED}@192.0.2.11;transport=tcp",
    ]
    assert relay.headers == ()
    assert relay.replace_caller_id is None


def test_termination_by_digest():
    relay = Edge().call(invite("creds", source_ip=STRANGER), "alice")
    assert isinstance(relay, Relay)
    assert relay.trunk_sid == sid("TK", "creds")


def test_secure_termination_is_secure_on_the_callers_side():
    secure = invite("secure", transport="tls", offers_srtp=True)
    relay = Edge().call(secure, "sec")
    assert isinstance(relay, Relay)
    assert relay.media_mode == "s"


def test_without_any_carrier_the_answer_is_503():
    edge = Edge()
    edge.routing.targets = []
    refused = edge.decide(invite("acl"))
    assert isinstance(refused, Reject)
    assert (refused.cause, refused.sip_status) == (Cause.NO_CARRIER, 503)
    assert refused.headers == (("X-Twilio-Error", "32400 No carrier is available"),)


ORIGINATION = {
    "ruri": f"sip:{DID}@203.0.113.5",
    "source_ip": CARRIER_SOURCE,
    "from_header_uri": "sip:+4930123456@carrier",
}


def test_origination_reaches_the_trunks_urls():
    relay = Edge().decide(invite(**ORIGINATION))
    assert isinstance(relay, Relay)
    assert relay.direction == "trunking-originating"
    assert (relay.caller, relay.called) == ("+4930123456", DID)
    assert relay.targets[0].ruri == f"sip:{DID}@pbx.customer.test;transport=udp"
    assert relay.headers == (("X-Twilio-AccountSid", ACCOUNT), ("X-Twilio-CallSid", sid("CA", "call")))


@pytest.mark.parametrize("user", [DID, DID[1:], "00" + DID[1:], DID + ";npdi;rn=+15550100000"])
def test_carriers_write_our_numbers_in_their_own_ways(user):
    relay = Edge().decide(invite(**{**ORIGINATION, "ruri": f"sip:{user}@203.0.113.5:5060"}))
    assert isinstance(relay, Relay)
    assert relay.called == DID


DISPATCH = [
    # what, facts, direction, outcome
    (
        "label, from a carrier's address",
        {"ruri": f"sip:{DID}@creds.pstn.twilio.com", "source_ip": CARRIER_SOURCE},
        "term",
        Challenge,
    ),
    ("our number, from a carrier", ORIGINATION, "orig", Relay),
    ("our number, from a stranger", {**ORIGINATION, "source_ip": STRANGER}, "term", Challenge),
    (
        "no number of ours, from a carrier",
        {**ORIGINATION, "ruri": "sip:+19995550100@203.0.113.5"},
        "orig",
        Cause.UNKNOWN_NUMBER,
    ),
    (
        "not even a number, from a carrier",
        {**ORIGINATION, "ruri": "sip:ping@203.0.113.5"},
        "orig",
        Cause.UNKNOWN_NUMBER,
    ),
    ("foreign host, from a carrier", {**ORIGINATION, "ruri": f"sip:{DID}@some.host.test"}, "orig", Relay),
    (
        "foreign host, from a stranger",
        {**ORIGINATION, "source_ip": STRANGER, "ruri": f"sip:{DID}@some.host.test"},
        "term",
        Cause.UNKNOWN_TRUNK,
    ),
]


@pytest.mark.parametrize(
    ("facts", "direction", "outcome"), [row[1:] for row in DISPATCH], ids=[row[0] for row in DISPATCH]
)
def test_dispatch(facts, direction, outcome):
    decision = Edge().decide(invite(**facts))
    if isinstance(outcome, Cause):
        assert isinstance(decision, Reject)
        assert decision.cause is outcome
    else:
        assert isinstance(decision, outcome)
    if isinstance(decision, Relay | Reject):
        assert decision.direction == {"term": "trunking-terminating", "orig": "trunking-originating"}[direction]


class TestCarrierAndPbxShareLoopback:
    """A carrier and a PBX on the edge's own machine: all are 127.0.0.1."""

    @pytest.fixture
    def edge(self):
        edge = Edge()
        edge.routing.carrier_networks = {sid("CX", "first"): ["127.0.0.1/32"]}
        return edge

    def local(self, called, **facts):
        return invite(ruri=f"sip:{called}@127.0.0.1:5060", source_ip="127.0.0.1", **facts)

    def test_the_carriers_call_to_our_number_is_origination(self, edge):
        relay = edge.decide(self.local(DID))
        assert isinstance(relay, Relay)
        assert relay.direction == "trunking-originating"

    def test_the_pbx_dials_out_by_the_global_endpoint(self, edge):
        relay = edge.call(self.local(CALLED), "alice")
        assert isinstance(relay, Relay)
        assert (relay.direction, relay.trunk_sid) == ("trunking-terminating", sid("TK", "creds"))

    def test_the_pbx_dials_our_number_by_the_trunks_host(self, edge):
        relay = edge.call(invite("creds", DID, source_ip="127.0.0.1"), "alice")
        assert isinstance(relay, Relay)
        assert relay.direction == "trunking-terminating"

    def test_credentials_make_it_termination_even_to_our_number(self, edge):
        request = self.local(CALLED)
        challenge = edge.decide(request)
        to_us = self.local(DID)
        relay = edge.decide(replace(to_us, authorization=answer_to(challenge, to_us, "alice", "Secret-12345")))
        assert isinstance(relay, Relay)
        assert relay.direction == "trunking-terminating"


def test_an_unknown_number_of_a_carrier_with_a_loopback_address_of_its_own():
    """The demo's simulated carrier: whatever it calls, it is the carrier and is not asked for a password."""
    edge = Edge()
    edge.routing.carrier_networks = {sid("CX", "first"): ["127.0.5.60/32"]}
    decision = edge.decide(invite(ruri=f"sip:{CALLED}@127.0.0.1:5060", source_ip="127.0.5.60"))
    assert isinstance(decision, Reject)
    assert decision.cause is Cause.UNKNOWN_NUMBER


def test_a_carrier_that_is_a_customer_too_terminates_by_its_address_list():
    edge = Edge()
    edge.routing.acls[sid("AL", "office")] = ["192.0.2.0/28"]
    relay = edge.decide(invite(ruri=f"sip:{CALLED}@203.0.113.5", source_ip=CARRIER_SOURCE))
    assert isinstance(relay, Relay)
    assert (relay.direction, relay.trunk_sid) == ("trunking-terminating", sid("TK", "acl"))


@pytest.mark.parametrize(
    ("change", "cause", "status"),
    [
        (lambda routing: routing.urls.clear(), Cause.NO_ORIGINATION_URL, 480),
        (
            lambda routing: routing.accounts.update({ACCOUNT: AccountRow(ACCOUNT, "suspended", True)}),
            Cause.ORIGINATION_ACCOUNT_INACTIVE,
            480,
        ),
        (
            lambda routing: routing.accounts.update({ACCOUNT: AccountRow(ACCOUNT, "active", False)}),
            Cause.ORIGINATION_ACCOUNT_INACTIVE,
            480,
        ),
        (
            lambda routing: routing.numbers.update({DID: routing.numbers[DID]._replace(trunk_sid=None)}),
            Cause.NUMBER_WITHOUT_TRUNK,
            404,
        ),
        (lambda routing: routing.trunks.pop(sid("TK", "acl")), Cause.NUMBER_WITHOUT_TRUNK, 404),
    ],
)
def test_origination_refused(change, cause, status):
    routing = world()
    change(routing)
    refused = Edge(routing).decide(invite(**ORIGINATION))
    assert isinstance(refused, Reject)
    assert (refused.cause, refused.sip_status, refused.account_sid) == (cause, status, ACCOUNT)
    assert (refused.caller, refused.called) == ("+4930123456", DID)


@pytest.mark.parametrize(
    ("method", "cause", "status"),
    [("REGISTER", Cause.REGISTER_REFUSED, 403), ("SUBSCRIBE", Cause.METHOD_NOT_ALLOWED, 405)],
)
def test_other_methods(method, cause, status):
    refused = Edge().decide(invite(ruri="sip:acl.pstn.twilio.com", to_uri="sip:100@acl.pstn.twilio.com", method=method))
    assert isinstance(refused, Reject)
    assert (refused.cause, refused.sip_status, refused.trunk_sid, refused.called) == (
        cause,
        status,
        sid("TK", "acl"),
        "100",
    )


def test_register_names_the_code():
    refused = Edge().decide(invite(ruri="sip:nowhere.test", method="REGISTER"))
    assert isinstance(refused, Reject)
    assert refused.headers == (("X-Twilio-Error", "32210 REGISTER is not supported on a trunk"),)
    assert refused.account_sid is None


@pytest.mark.parametrize("ruri", ["", "sip:", "http://x", "sip:a b@c", "sip:+1@h:99999", "tel:"])
def test_a_request_uri_that_cannot_be_read_is_400(ruri):
    refused = Edge().decide(invite(ruri=ruri))
    assert isinstance(refused, Reject)
    assert (refused.cause, refused.sip_status) == (Cause.MALFORMED_REQUEST, 400)


def test_speed(capsys):
    """Printed, not asserted: a loaded machine would make it fail."""
    edge = Edge()
    request = invite("creds", source_ip=STRANGER)
    plain = invite("acl")

    def timed(what, action, n=2000):
        best = min(_time(action, n) for _ in range(3))
        with capsys.disabled():
            sys.stdout.write(f"\n  core: {what} {best * 1e6:.1f} us")

    timed("termination by address", lambda: edge.decide(plain))
    timed("challenge", lambda: edge.decide(request))
    authorization = answer_to(edge.decide(request), request, "alice", "Secret-12345")
    answered = replace(request, authorization=authorization)
    edge.first_use = lambda key: True
    timed("termination by digest", lambda: edge.decide(answered))
    timed("origination", lambda: edge.decide(invite(**ORIGINATION)))


def _time(action, n):
    start = time.perf_counter()
    for _ in range(n):
        action()
    return (time.perf_counter() - start) / n


class TestUnjudged:
    """Whose an INVITE seems to be that the edge refuses before it judges it."""

    def refusal(self, request):
        return refuse_unjudged(Cause.DRAINING, request, world(), POLICY)

    def test_the_trunk_that_the_host_names(self):
        found = self.refusal(invite("acl", source_ip=STRANGER))
        assert (found.account_sid, found.trunk_sid) == (ACCOUNT, sid("TK", "acl"))
        assert (found.direction, found.caller, found.called) == ("trunking-terminating", OWNED, CALLED)
        assert (found.sip_status, found.headers[0][1]) == (503, "20503 This edge takes no new calls")
        assert found.explanation.startswith(f"A call for {CALLED} from {STRANGER} was refused")

    def test_the_one_trunk_that_lets_the_address_in(self):
        request = invite(ruri=f"sip:{CALLED}@pstn.twilio.com")
        assert self.refusal(request).trunk_sid == Edge().decide(request).trunk_sid

    def test_the_number_that_a_carrier_calls(self):
        found = self.refusal(invite(ruri=f"sip:{DID}@pstn.twilio.com", source_ip=CARRIER_SOURCE))
        relay = Edge().decide(invite(ruri=f"sip:{DID}@pstn.twilio.com", source_ip=CARRIER_SOURCE))
        assert (found.direction, found.called) == ("trunking-originating", relay.called)
        assert (found.account_sid, found.trunk_sid) == (relay.account_sid, relay.trunk_sid)

    @pytest.mark.parametrize(
        "request_of_nobody",
        [
            invite("nobody", source_ip=STRANGER),
            invite(ruri=f"sip:{CALLED}@pstn.twilio.com", source_ip=STRANGER),
            invite(ruri="sip:+15559999999@pstn.twilio.com", source_ip=CARRIER_SOURCE),
            invite(ruri="rubbish"),
        ],
    )
    def test_nobodys(self, request_of_nobody):
        found = self.refusal(request_of_nobody)
        assert (found.account_sid, found.trunk_sid, found.direction) == (None, None, "trunking-terminating")
