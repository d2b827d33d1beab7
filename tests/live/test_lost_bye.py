"""A call that nobody ends: its audio stops, or its ACK never came. Both sides are told, and the record says why."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_node import LiveNode, wait_for
from raw_trunk import RawTrunk

from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.engines.rtpengine.ng import NgClient
from trunkline.settings import Ports
from trunkline.testbench.raw_agent import media_address
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live

SILENCE = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawTrunk]:
    home = tmp_path_factory.mktemp("lost") / "home"
    with (
        LiveNode(home, demo=False, environment={"TRUNKLINE_MEDIA_TIMEOUT": str(SILENCE)}) as node,
        RawTrunk(node) as raw,
    ):
        yield raw


@pytest.mark.parametrize("restarted", [False, True])
def test_silence_ends_both_sides(world: RawTrunk, restarted: bool) -> None:
    node, carrier = world.node, world.carrier
    with world.pbx() as pbx:
        call = world.call(pbx)
        pbx.talk(call.edge_for_caller, 0.2)
        if restarted:
            (old,) = node.pids("kamailio")
            os.kill(old, signal.SIGKILL)
            wait_for(lambda: node.pids("kamailio") not in ([], [old]), "another Kamailio", within=20)
        for agent in (pbx, carrier):
            agent.respond(agent.wait_request("BYE", within=20), 200)
        record = node.record(call.call_id)
    assert (record["status"], record["cause"], record["error_code"]) == ("completed", "MEDIA_TIMEOUT", 32014)
    assert record["ended_by"] == "edge"
    assert [alert["error_code"] for alert in record["alerts"]] in ([32014], ["32014"])
    carrier.received.clear()


def test_without_ack(world: RawTrunk) -> None:
    """The callee gives up, and its BYE ends the caller's side, too."""
    carrier = world.carrier
    with world.pbx() as pbx:
        dialog = world.invited(pbx)
        invite = carrier.wait_request("INVITE")
        taken = carrier.taken(invite)
        carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
        pbx.final(dialog)
        carrier.send(carrier.request(taken, "BYE"))
        pbx.respond(pbx.wait_request("BYE"), 200)
        assert carrier.final(taken, "BYE").sip_status == 200
        record = world.node.record(dialog.call_id)
    assert (record["cause"], record["error_code"], record["ended_by"]) == ("NO_ACK", 32022, "edge")


def test_without_ack_and_without_anybody_who_cares(world: RawTrunk) -> None:
    """Nor does the callee give up: the node ends both sides."""
    carrier, rpc = world.carrier, KamailioRpc(edge_socket(world.node.settings))
    with world.pbx() as pbx:
        dialog = world.invited(pbx)
        invite = carrier.wait_request("INVITE")
        taken = carrier.taken(invite)
        carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
        answer = pbx.final(dialog)
        (sid,) = (row["sid"] for row in wait_for(lambda: world.node.find_records(dialog.call_id), "the record"))
        rpc.call("htable.setex", ["noack", sid[2:], 1])  # instead of 34 s
        # The table is looked at every 5 s. Meanwhile there is audio: silence would end the call, too.
        for _ in range(40):
            pbx.talk(media_address(answer), 0.2)
            if any(message.method == "BYE" for message in pbx.received):
                break
        for agent in (pbx, carrier):
            agent.respond(agent.wait_request("BYE", within=10), 200)
        record = world.node.record(dialog.call_id)
    assert (record["cause"], record["error_code"], record["ended_by"]) == ("NO_ACK", 32022, "edge")
    assert [alert["error_code"] for alert in record["alerts"]] == [32022]


def test_an_acknowledged_call_is_not_watched(world: RawTrunk) -> None:
    rpc = KamailioRpc(edge_socket(world.node.settings))
    with world.pbx() as pbx:
        call = world.call(pbx)
        assert not rpc.call("htable.dump", ["noack"])
        call.ends()


def test_an_answer_that_comes_again_after_the_bye_brings_no_media_back(world: RawTrunk) -> None:
    """As when the ACK was late, and the BYE right behind it: both were read before the callee's repeated 200."""
    carrier = world.carrier
    with world.pbx() as pbx:
        dialog = world.invited(pbx)
        invite = carrier.wait_request("INVITE")
        taken = carrier.taken(invite)

        def answered() -> SipText:
            """What the caller gets of the callee's 200."""
            pbx.received.clear()
            carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
            return pbx.wait(lambda m: m.sip_status == 200 and "INVITE" in m.first("CSeq"), "the answer")

        answer = answered()
        pbx.final(dialog)
        pbx.ack(dialog, answer)
        carrier.wait_request("ACK")
        assert answered().body == answer.body != ""
        pbx.send(pbx.request(dialog, "BYE"))
        carrier.respond(carrier.wait_request("BYE"), 200)
        assert pbx.final(dialog, "BYE").sip_status == 200
        late = answered()
        assert (late.body, late.first("Content-Type")) == ("", "")
        sid = world.node.record(dialog.call_id)["sid"]
    with NgClient(Ports.read(world.node.settings.ports_file).ng) as media:
        wait_for(lambda: sid[2:] not in media.calls(), "the end of its media", within=SILENCE)


def stopped(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def test_a_media_relay_that_hangs(world: RawTrunk) -> None:
    """No SDP passes that it has not seen: the call is refused, the answer of one that was on its way comes without."""
    node, carrier = world.node, world.carrier
    (rtpengine,) = node.pids("rtpengine")
    with world.pbx() as pbx, world.pbx() as other:
        dialog = world.invited(pbx)
        invite = carrier.wait_request("INVITE")
        taken = carrier.taken(invite)
        os.kill(rtpengine, signal.SIGSTOP)
        try:
            wait_for(lambda: stopped(rtpengine), "all of rtpengine's threads asleep")
            carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
            answer = pbx.final(dialog, within=10)
            assert (answer.sip_status, answer.body, answer.first("Content-Type")) == (200, "", "")
            pbx.ack(dialog, answer)
            carrier.wait_request("ACK")
            refused = other.final(world.invited(other), within=10)
            assert (refused.sip_status, refused.first("X-Twilio-Error")[:5]) == (503, "20500")
            assert [m for m in carrier.received if m.method == "INVITE"] == []
        finally:
            os.kill(rtpengine, signal.SIGCONT)
        pbx.send(pbx.request(dialog, "BYE"))
        carrier.respond(carrier.wait_request("BYE"), 200)
        record = node.record(refused.first("Call-ID"))
        assert (record["cause"], record["ended_by"], len(record["attempts"])) == ("NO_MEDIA_RELAY", "edge", 1)
