"""Limits of a trunk and an account as its PBX meets them: the counts come back after every kind of end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest
from demo_carrier import BUSY, DemoCarrier, logged
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import Credentials, PlainSip, own_address
from raw_sip import RawCaller, sdp

from trunkline.engines.kamailio.call_book import CallBook
from trunkline.engines.kamailio.config import call_book_file

pytestmark = pytest.mark.live

ECHO, RINGS, REFUSES = "+15550100000", "+15550100180", "+15550100603"


@pytest.fixture
def book(node: LiveNode) -> Iterator[CallBook]:
    book = CallBook(call_book_file(node.settings))
    yield book
    book.close()


def status(node: LiveNode, trunk: LiveTrunk, called: str = BUSY) -> tuple[int, str]:
    with PlainSip(node.host, node.sip_port) as sip:
        reply = sip.invite(
            f"sip:{called}@{trunk.domain_name}",
            caller=trunk.number,
            credentials=Credentials(trunk.username, trunk.password),
        )
    return reply.status, reply.twilio_error or ""


def refused(node: LiveNode, trunk: LiveTrunk) -> bool:
    return status(node, trunk) == (503, "10004 Trunk concurrent call limit exceeded")


def test_a_call_counts_from_its_invite_to_whichever_end(node: LiveNode, carrier: DemoCarrier, book: CallBook) -> None:
    trunk = node.make_trunk(ConcurrentCallsLimit="1")
    with RawCaller(node) as caller:
        ringing = caller.authorized(trunk, RINGS)
        caller.send(ringing)
        caller.wait(lambda message: message.sip_status == 180)
        assert refused(node, trunk), "a call that rings counts"
        caller.send(caller.cancel(ringing))
        answer = caller.wait(lambda message: message.sip_status == 487)
        caller.send(caller.ack(answer, f"sip:{RINGS}@{trunk.domain_name}"))
        wait_for(lambda: book.calls_up(trunk.sid) == 0, "the end of the cancelled call")
        caller.new_call()
        assert caller.invite(trunk, REFUSES).sip_status == 603
        wait_for(lambda: book.calls_up(trunk.sid) == 0, "the end of the refused call")
        caller.new_call()
        answered = caller.invite(trunk, ECHO)
        assert answered.sip_status == 200
        assert refused(node, trunk), "a call that is answered counts"
        caller.send(caller.bye(answered))
        assert caller.final().sip_status == 200
    assert book.calls_up(trunk.sid) == 0, "its BYE ends it at once"
    assert status(node, trunk)[0] == 486


def test_at_the_same_moment_no_call_too_many_passes(node: LiveNode, carrier: DemoCarrier, book: CallBook) -> None:
    """From many sockets, so that several workers judge at once."""
    address = own_address()
    trunk = node.make_trunk(credentials=False, acl=address, ConcurrentCallsLimit="3")

    def call(_: int) -> int:
        """180 of a call that is taken back then, or the final answer."""
        uri = f"sip:{RINGS}@{trunk.domain_name}"
        with RawCaller(node, source=address) as caller:
            invite = caller.request("INVITE", uri, caller=f"sip:{trunk.number}@{address}", body=sdp(address))
            caller.send(invite)
            first = caller.wait(lambda message: message.sip_status >= 180)
            together.wait(10)
            if first.sip_status == 180:
                caller.send(caller.cancel(invite))
            caller.send(caller.ack(caller.final(), uri))
            return first.sip_status

    together = Barrier(12)
    with ThreadPoolExecutor(12) as pool:
        answers = sorted(pool.map(call, range(12)))
    # 486: the carrier's agent takes four calls at a time, and may still hold those of the test before.
    assert (len([status for status in answers if status in (180, 486)]), answers.count(503)) == (3, 9)
    wait_for(lambda: book.calls_up(trunk.sid) == 0, "the end of all")


def test_the_rate_of_an_account_is_that_of_all_its_trunks(node: LiveNode, carrier: DemoCarrier) -> None:
    tenant = node.make_account(CpsLimit="2")
    trunks = [node.make_trunk(api=tenant) for _ in range(3)]
    assert [status(node, trunk)[0] for trunk in trunks] == [486, 486, 503]


def test_limits_outlive_the_edge(tmp_path: Path) -> None:
    """Kamailio is killed with a call up: the call still counts, still ends at its time, on both sides."""
    with LiveNode(tmp_path / "home") as node:
        carrier = DemoCarrier(node)
        trunk = node.make_trunk(ConcurrentCallsLimit="1", MaxCallSeconds="6")
        with ExitStack() as closing:
            caller = closing.enter_context(RawCaller(node))
            assert caller.invite(trunk, ECHO).sip_status == 200
            (pid,) = node.pids("kamailio")
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: node.pids("kamailio") not in ([], [pid]), "another Kamailio")
            wait_for(node.healthy, "a healthy node", within=20)
            assert refused(node, trunk)
            bye = caller.wait(lambda message: message.is_request and message.method == "BYE", within=12)
            caller.send(caller.ok(bye))
            assert carrier.took(caller.call_id).ended_by == "caller"
            record = node.record(caller.call_id)
        assert (record["cause"], record["error_code"], record["ended_by"]) == ("MAX_DURATION", 32015, "edge")
        assert 5 <= record["duration"] <= 8
        (said,) = [line for line in logged(node, caller.call_id) if line["program"] == "recorder"]
        assert (said["call_id"], said["call_sid"]) == (caller.call_id, record["sid"])
        assert "ending it on both sides" in said["message"]
        assert [row["error_code"] for row in record["alerts"]] == [32015]
        assert status(node, trunk)[0] == 486


def test_number_rules_and_destinations(node: LiveNode, carrier: DemoCarrier) -> None:
    rules = '[{"match":"9","strip":1,"prefix":"+1"},{"match":"777","replace":"' + BUSY + '"}]'
    trunk = node.make_trunk(NumberRules=rules)
    assert status(node, trunk, "95550100486")[0] == 486
    assert status(node, trunk, "777")[0] == 486
    assert status(node, trunk, "5550100486")[0] == 400
    url = f"/trunkline/v1/Accounts/{node.demo['account_sid']}/DestinationRules"
    scope = "+1555010048"
    try:
        node.api.post(url, Scope=scope, Allowed="false")
        node.wait_published()
        assert status(node, trunk, "777")[1].startswith("32205 ")
    finally:
        node.api.post(url, Scope=scope, Allowed="")
        node.wait_published()
    assert status(node, trunk, "777")[0] == 486


def test_emergency_calls_where_the_trunk_carries_them(node: LiveNode, carrier: DemoCarrier) -> None:
    """They are not refused for any limit; that the simulated carrier has no such number is another matter."""
    trunk = node.make_trunk(EmergencyEnabled="true", ConcurrentCallsLimit="0", CpsLimit="0.01")
    for _ in range(2):
        assert status(node, trunk, "911")[0] == 404


def test_an_anonymous_caller_with_an_asserted_number(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk()
    for name in ("P-Asserted-Identity", "Remote-Party-ID"):
        with RawCaller(node) as caller:
            asserted = f"{name}: <sip:{trunk.number}@pbx>\r\nPrivacy: id\r\n"
            answer = caller.invite(trunk, BUSY, caller="sip:anonymous@anonymous.invalid", headers=asserted)
            assert answer.sip_status == 486
            seen = carrier.took(caller.call_id)
        assert "anonymous@anonymous.invalid" in seen.from_header, "who asks for anonymity keeps it"
        assert trunk.number in (seen.asserted_identity or ""), "and the carrier knows whom it serves"
