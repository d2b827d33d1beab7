"""One redirect of a PBX is followed, and none into a network that is not the PBX's."""

from __future__ import annotations

import pytest

from trunkline.core.decision import ORIGINATION, TERMINATION, Plan, Target, plan_from_json, plan_to_json
from trunkline.core.failover import Failure, Next, after_failure
from trunkline.core.policy import Policy
from trunkline.core.redirect import follow

POLICY = Policy("sip.twilio.com", ("pstn.twilio.com",), frozenset(("9.9.8.1",)), b"0" * 16)
MOVED = Failure(status=302, reason="Moved Temporarily", replied=True)


def plan(ruri="sip:+15550100@9.9.9.5;transport=udp", direction=ORIGINATION, mode="p", **target):
    current = Target("OU1", None, ruri, "udp", headers=(("X-A", "b"),), **target)
    other = Target("OU2", None, "sip:+15550100@9.9.9.6;transport=udp", "udp")
    return Plan("CA1", direction, "AC1", "TK1", "+15550199", "+15550100", mode, None, (), 0, current, (other,))


@pytest.mark.parametrize(
    ("contact", "ruri"),
    [
        ("<sip:reception@9.9.9.9>", "sip:reception@9.9.9.9;transport=udp"),
        ("<sip:9.9.9.9:5070;transport=tcp>;q=0.5, <sip:b@c>", "sip:+15550100@9.9.9.9:5070;transport=tcp"),
        ('"A, B" <sip:+4420@pbx.example;edge=x;foo=1>', "sip:+4420@pbx.example;transport=udp;foo=1"),
        ("sip:x@pbx.example;expires=60", "sip:x@pbx.example;transport=udp"),
        ("<sip:x@9.9.8.1:5080>", "sip:x@9.9.8.1:5080;transport=udp"),
    ],
)
def test_the_first_contact_is_called_before_the_other_urls(contact, ruri):
    followed = follow(plan(), MOVED, contact, POLICY)
    assert [target.ruri for target in followed.remaining] == [ruri, "sip:+15550100@9.9.9.6;transport=udp"]
    target = followed.remaining[0]
    assert (target.target_sid, target.redirected, target.headers) == ("OU1", True, (("X-A", "b"),))
    assert plan_from_json(plan_to_json(followed)) == followed
    assert isinstance(after_failure(MOVED, ORIGINATION, len(followed.remaining), None), Next)


@pytest.mark.parametrize(
    "contact",
    [
        None,
        "",
        "<sip:",
        "<tel:+15550100>",
        "<http://example.com>",
        "*",
        "<sip:x@10.0.0.5>",
        "<sip:x@acme.pstn.twilio.com>",
    ],
)
def test_what_is_no_place_for_us_is_not_followed(contact):
    assert follow(plan(), MOVED, contact, POLICY) is None


def test_a_pbx_at_a_private_address_may_redirect_to_another():
    assert follow(plan("sip:+15550100@10.0.0.4"), MOVED, "<sip:x@10.0.0.5>", POLICY) is not None


@pytest.mark.parametrize(
    ("contact", "is_followed"),
    [
        ("<sip:9.9.9.5>", False),
        ("<sip:+15550100@9.9.9.5;transport=udp>", False),
        ("<sip:+15550100@9.9.9.5;transport=tcp>", True),
        ("<sip:reception@9.9.9.5>", True),
    ],
)
def test_a_redirect_to_where_it_comes_from_is_not_followed(contact, is_followed):
    assert (follow(plan(), MOVED, contact, POLICY) is not None) == is_followed


def test_a_redirect_of_a_redirect_is_not_followed():
    assert follow(plan(redirected=True), MOVED, "<sip:x@9.9.9.9>", POLICY) is None


def test_carriers_may_not_redirect_and_only_a_3xx_is_one():
    assert follow(plan(direction=TERMINATION), MOVED, "<sip:x@9.9.9.9>", POLICY) is None
    for failure in (
        Failure(486),
        Failure(302, local=True),
        Failure(302, canceled=True),
        Failure(302, early_media=True),
    ):
        assert follow(plan(), failure, "<sip:x@9.9.9.9>", POLICY) is None


def test_a_secure_trunk_stays_secure():
    secure = plan(mode="S")
    secure.current.transport = "tls"
    target = follow(secure, MOVED, "<sip:x@9.9.9.9;transport=udp>", POLICY).remaining[0]
    assert target.transport == "tls"
    assert "transport=tls" in target.ruri
