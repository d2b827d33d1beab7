"""Digest as a PBX meets it: SHA-256 where the trunk asks, stale nonces, and answers that are used a second time."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from demo_carrier import BUSY, DemoCarrier
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import MD5, SHA256, Credentials, PlainSip, challenge_params
from raw_sip import RawCaller, digest, sdp

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """A node whose Kamailio may be killed."""
    with LiveNode(tmp_path_factory.mktemp("digest") / "home") as node:
        yield node


def replay(node: LiveNode, trunk: LiveTrunk, answer: str) -> dict[str, str]:
    """An INVITE of a new call with that Proxy-Authorization; the challenge that came, or `{}` when it passed."""
    uri = f"sip:{BUSY}@{trunk.domain_name}"
    with RawCaller(node) as caller:
        headers = f"Proxy-Authorization: {answer}\r\n"
        caller.send(caller.request("INVITE", uri, headers=headers, body=sdp(), caller=f"sip:{trunk.number}@pbx"))
        final = caller.final()
        caller.send(caller.ack(final, uri))
        if final.sip_status == 486:
            return {}
        assert final.sip_status == 407, final
        return challenge_params(final)


def good_answer(node: LiveNode, trunk: LiveTrunk, algorithm: str | None = None) -> str:
    """The Proxy-Authorization of a call that passed."""
    kept: dict[str, str] = {}
    with PlainSip(node.host, node.sip_port) as sip:
        reply = sip.invite(
            f"sip:{BUSY}@{trunk.domain_name}",
            caller=trunk.number,
            credentials=Credentials(trunk.username, trunk.password, algorithm),
            keep=kept,
        )
    assert reply.status == 486
    return kept["Proxy-Authorization"]


def test_a_trunk_that_asks_for_sha_256_gets_nothing_less(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk(DigestAlgorithm="SHA-256")
    uri = f"sip:{BUSY}@{trunk.domain_name}"
    with PlainSip(node.host, node.sip_port) as sip:
        right = sip.invite(uri, caller=trunk.number, credentials=Credentials(trunk.username, trunk.password))
        assert right.challenge is not None
        assert challenge_params(right.challenge)["algorithm"] == SHA256
        assert right.status == 486
        weak = sip.invite(uri, caller=trunk.number, credentials=Credentials(trunk.username, trunk.password, MD5))
    assert (weak.status, weak.twilio_error) == (
        403,
        f"32202 Authentication failure - bad user credentials: user name {trunk.username}",
    )
    (alert,) = node.record(weak.call_id)["alerts"]
    assert "algorithm" in alert["alert_text"]


def test_an_answer_is_good_once(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk()
    answer = good_answer(node, trunk)
    again = replay(node, trunk, answer)
    assert again["stale"] == "true", "the password is right, so the PBX may answer the new nonce without asking anybody"
    assert again["nonce"] not in answer


def test_of_many_at_the_same_moment_one_passes(node: LiveNode, carrier: DemoCarrier) -> None:
    """From many sockets, so over all workers."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        answer = caller.challenged(trunk, BUSY)
    with ThreadPoolExecutor(12) as pool:
        challenges = list(pool.map(lambda _: replay(node, trunk, answer), range(12)))
    assert challenges.count({}) == 1
    assert all(challenge["stale"] == "true" for challenge in challenges if challenge)


def test_a_nonce_of_before_the_restart_is_stale(restarted: LiveNode) -> None:
    """Used or not: what the edge of then knew of it is gone."""
    trunk = restarted.make_trunk()
    used = good_answer(restarted, trunk)
    with RawCaller(restarted) as caller:
        unused = caller.challenged(trunk, BUSY)
    (pid,) = restarted.pids("kamailio")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: restarted.pids("kamailio") not in ([], [pid]), "another Kamailio")
    wait_for(restarted.healthy, "a healthy node", within=20)
    for answer in (used, unused):
        assert replay(restarted, trunk, answer)["stale"] == "true"
    assert good_answer(restarted, trunk)


def test_a_nonce_that_is_too_old_is_stale_and_the_answer_to_the_next_one_is_good(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Used or not, without a restart; who does not know the password is not told that it is the nonce."""
    home = tmp_path_factory.mktemp("nonces") / "home"
    with LiveNode(home, environment={"TRUNKLINE_NONCE_SECONDS": "3"}) as node:
        trunk = node.make_trunk()
        uri = f"sip:{BUSY}@{trunk.domain_name}"
        with RawCaller(node) as caller:
            unused = caller.challenged(trunk, BUSY)
        assert good_answer(node, trunk), "fresh ones are good here, too"
        used = good_answer(node, trunk)
        begun = time.monotonic()
        nonce = unused.partition('nonce="')[2].partition('"')[0]
        wrong = digest(f'realm="sip.twilio.com", nonce="{nonce}"', "INVITE", uri, trunk.username, "wrong")
        time.sleep(max(0.0, begun + 4.1 - time.monotonic()))
        for answer in (unused, used):
            again = replay(node, trunk, answer)
            assert (again["stale"], again["nonce"] in answer) == ("true", False)
            fresh = digest(
                f'realm="{again["realm"]}", nonce="{again["nonce"]}"', "INVITE", uri, trunk.username, trunk.password
            )
            assert replay(node, trunk, fresh) == {}
        with RawCaller(node) as caller:
            headers = f"Proxy-Authorization: {wrong}\r\n"
            caller.send(caller.request("INVITE", uri, headers=headers, body=sdp(), caller=f"sip:{trunk.number}@pbx"))
            final = caller.final()
            caller.send(caller.ack(final, uri))
        assert (final.sip_status, final.first("Proxy-Authenticate")) == (403, "")


def test_a_nonce_that_is_none_of_ours_is_not_called_stale(node: LiveNode) -> None:
    """Only who knows the password is told that the nonce was all that was wrong (RFC 7616 section 3.3)."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        answer = caller.challenged(trunk, BUSY)
    nonce = answer.partition('nonce="')[2].partition('"')[0]
    forged = answer.replace(nonce, secrets.token_hex(len(nonce) // 2))
    with RawCaller(node) as caller:
        uri = f"sip:{BUSY}@{trunk.domain_name}"
        headers = f"Proxy-Authorization: {forged}\r\n"
        caller.send(caller.request("INVITE", uri, headers=headers, body=sdp(), caller=f"sip:{trunk.number}@pbx"))
        final = caller.final()
    assert (final.sip_status, final.first("Proxy-Authenticate")) == (403, "")
