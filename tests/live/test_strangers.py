"""What somebody without a password learns, and what good an answer is that he has overheard."""

from __future__ import annotations

import secrets

import pytest
from demo_carrier import BUSY, DemoCarrier
from live_node import LiveNode
from plain_sip import (
    ANSWER_MARKS,
    CHALLENGE_HEADERS,
    MD5,
    REFUSAL_HEADERS,
    SHA256,
    Credentials,
    PlainSip,
    Reply,
    challenge_params,
    own_address,
)

pytestmark = pytest.mark.live


def _told(reply: Reply, *secret: str) -> tuple[int, str, tuple[str, ...], str]:
    """All of an answer that could tell something, with what the sender itself said blanked out."""
    text = reply.twilio_error or ""
    for word in secret:
        text = text.replace(word, "…")
    return reply.status, reply.reason, reply.header_names, text


def test_a_label_that_exists_looks_like_one_that_does_not(node: LiveNode, raw: PlainSip) -> None:
    trunk, nobody = node.make_trunk(credentials=False), f"nobody-{secrets.token_hex(4)}.pstn.twilio.com"
    there = raw.invite(f"sip:{BUSY}@{trunk.domain_name}")
    not_there = raw.invite(f"sip:{BUSY}@{nobody}")
    assert _told(there, trunk.domain_name) == _told(not_there, nobody)


def test_a_user_that_exists_looks_like_one_that_does_not(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    there, not_there = (
        raw.invite(f"sip:{BUSY}@{trunk.domain_name}", credentials=Credentials(name, "Wrong1Password"))
        for name in (trunk.username, "mallory")
    )
    assert _told(there, trunk.username) == _told(not_there, "mallory")


def test_the_account_is_judged_after_the_password(node: LiveNode, raw: PlainSip) -> None:
    """A suspended account, an empty one and a good one look alike to whoever does not know the password."""
    suspended, empty = node.make_account(), node.make_account(Billing="prepaid", Balance="0")
    trunks = [node.make_trunk(api=account) for account in (suspended, empty, node.api)]
    node.set_account(suspended, Status="suspended")
    uris = [f"sip:{BUSY}@{trunk.domain_name}" for trunk in trunks]
    asked = [raw.invite(uri) for uri in uris]
    assert {(reply.status, reply.header_names) for reply in asked} == {(407, CHALLENGE_HEADERS)}
    refused = [raw.invite(uri, credentials=Credentials("mallory", "Wrong1Password")) for uri in uris]
    assert {_told(reply) for reply in refused} == {
        (403, "Forbidden", REFUSAL_HEADERS, "32202 Authentication failure - bad user credentials: user name mallory")
    }


def test_options_tell_nothing(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    answers = [raw.options(f"sip:{host}") for host in (trunk.domain_name, "nobody.pstn.twilio.com", node.host)]
    assert {(reply.status, reply.header_names) for reply in answers} == {(200, tuple(sorted(ANSWER_MARKS)))}


# ---- digest ---------------------------------------------------------------------------------------------------------


def test_a_challenge_is_what_every_pbx_knows(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    asked = challenge_params(raw.invite(f"sip:{BUSY}@{trunk.domain_name}").sip)
    assert {name: value for name, value in asked.items() if name != "nonce"} == {
        "realm": "sip.twilio.com",
        "qop": "auth",
    }


def test_a_flood_without_credentials_gets_the_same_challenge_for_a_moment(node: LiveNode, raw: PlainSip) -> None:
    """A tenth of a second: it costs the edge less than the sender, and whoever answers it is admitted all the same."""
    trunk = node.make_trunk()
    uri = f"sip:{BUSY}@{trunk.domain_name}"
    nonces = [challenge_params(raw.invite(uri).sip)["nonce"] for _ in range(40)]
    assert len(set(nonces)) <= 20
    replies = [
        raw.invite(uri, caller=trunk.number, credentials=Credentials(trunk.username, trunk.password)) for _ in "abc"
    ]
    assert [reply.status for reply in replies] == [486, 486, 486]


def test_a_trunk_may_ask_for_sha_256(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk(DigestAlgorithm="SHA-256")
    uri = f"sip:{BUSY}@{trunk.domain_name}"
    reply = raw.invite(uri, caller=trunk.number, credentials=Credentials(trunk.username, trunk.password))
    assert reply.status == 486
    assert reply.challenge is not None
    assert challenge_params(reply.challenge)["algorithm"] == SHA256
    weak = raw.invite(uri, caller=trunk.number, credentials=Credentials(trunk.username, trunk.password, MD5))
    assert (weak.status, weak.twilio_error) == (
        403,
        f"32202 Authentication failure - bad user credentials: user name {trunk.username}",
    )
    assert "the algorithm is not the one of the challenge" in node.record(weak.call_id)["alerts"][0]["alert_text"]


def test_a_stranger_cannot_repeat_an_answer(node: LiveNode, raw: PlainSip, carrier: DemoCarrier) -> None:
    """The very Proxy-Authorization that was good once gets a new challenge, not a call."""
    trunk = node.make_trunk()
    uri = f"sip:{BUSY}@{trunk.domain_name}"
    kept: dict[str, str] = {}
    good = raw.invite(uri, caller=trunk.number, credentials=Credentials(trunk.username, trunk.password), keep=kept)
    assert good.status == 486
    with PlainSip(node.host, node.sip_port, source=own_address()) as thief:
        again = thief.invite(uri, caller=trunk.number, headers=kept)
    assert (again.status, challenge_params(again.sip)["stale"]) == (407, "true")
    assert not carrier.saw(again.call_id)
