"""More comes in than is handled: what is under way goes first, what begins is put off, and then refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hostile import Sender, processes
from live_node import LiveNode, LiveTrunk, wait_for
from raw_sip import RawCaller, sdp

from trunkline.core.cause import Cause
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live

ECHO = "+15550100000"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    with LiveNode(tmp_path_factory.mktemp("crowded") / "home") as running:
        yield running


@contextmanager
def halted(node: LiveNode, what: str) -> Iterator[None]:
    """Kamailio's processes of that kind get no processor."""
    pids = [pid for pid, kind in processes(node) if what in kind]
    assert pids, processes(node)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def put_off(node: LiveNode) -> int:
    """Of 100 calls."""
    found = KamailioRpc(edge_socket(node.settings)).call("pv.shvGet", ["busy"])
    assert isinstance(found, dict), found
    return int(found["value"])


@contextmanager
def overload(node: LiveNode) -> Iterator[None]:
    """As if the socket was full, and nobody looked whether it still is."""
    rpc = KamailioRpc(edge_socket(node.settings))
    with halted(node, "timer=load"):
        rpc.call("pv.shvSet", ["busy", "int", 100])
        try:
            yield
        finally:
            rpc.call("pv.shvSet", ["busy", "int", 0])


def invite(caller: RawCaller, trunk: LiveTrunk) -> bytes:
    uri = f"sip:{ECHO}@{trunk.domain_name}"
    return caller.request("INVITE", uri, caller=f"sip:{trunk.number}@{trunk.domain_name}", body=sdp())


def answered(caller: RawCaller, node: LiveNode) -> list[SipText]:
    """What came for the call, once the edge has handled what was sent before."""
    with Sender(node, "127.0.0.1") as other:
        other.ping()
    return caller.drain(0.2)


def test_a_queue_is_seen_and_is_gone_again(crowded: LiveNode) -> None:
    assert put_off(crowded) == 0
    with Sender(crowded, "127.0.0.1") as sender:
        with halted(crowded, "receiver"):
            for _ in range(2000):
                sender.send(b"OPTIONS sip:x SIP/2.0\r\n" + bytes(1000))
            wait_for(lambda: put_off(crowded) > 50, "that it is seen")
        wait_for(lambda: put_off(crowded) == 0, "that it is gone")
        sender.ping()


def test_a_call_that_begins_is_put_off_and_then_refused(crowded: LiveNode) -> None:
    trunk = crowded.make_trunk()
    with RawCaller(crowded) as caller:
        begun = invite(caller, trunk)
        with overload(crowded):
            for _ in range(3):
                caller.send(begun)
                assert answered(caller, crowded) == []
            caller.send(begun)
            refused = caller.final()
        row = Cause.OVERLOADED
        assert (refused.sip_status, refused.first("Retry-After")) == (503, "5")
        assert refused.first("X-Twilio-Error").startswith(f"{row.code} ")
        record = crowded.record(caller.call_id)
        assert (record["cause"], record["error_code"], record["sip_status"]) == (row.name, row.code, 503)
        assert [alert["error_code"] for alert in record["alerts"]] == [row.code]
        caller.new_call()
        caller.send(invite(caller, trunk))
        assert caller.final().sip_status == 407


def test_what_is_under_way_goes_on(crowded: LiveNode) -> None:
    """An INVITE that answers its challenge, a call that is up, and one that was put off once."""
    trunk = crowded.make_trunk()
    with RawCaller(crowded) as up, RawCaller(crowded) as challenged, RawCaller(crowded) as patient:
        answer = up.invite(trunk, ECHO)
        assert answer.sip_status == 200
        authorized = challenged.authorized(trunk, ECHO)
        with overload(crowded):
            patient.send(invite(patient, trunk))
            assert answered(patient, crowded) == []
            challenged.send(authorized)
            taken = challenged.final()
            assert taken.sip_status == 200
            challenged.send(challenged.ack(taken, ""))
            up.cseq += 1
            up.send(up.bye(answer))
            assert up.final().sip_status == 200
        patient.send(invite(patient, trunk))
        assert patient.final().sip_status == 407
        challenged.cseq += 1
        challenged.send(challenged.bye(taken))
        assert challenged.final().sip_status == 200
    assert crowded.record(up.call_id)["status"] == "completed"
