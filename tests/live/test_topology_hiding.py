"""Neither side sees the other's addresses, ours behind the edge, or what anybody runs: every byte is looked at."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_node import LiveNode, wait_for
from raw_trunk import CARRIER_HOST, PBX_HOST, Call, RawTrunk, errors_logged, naming

from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.raw_agent import RawAgent

pytestmark = pytest.mark.live

OF_PBX = (PBX_HOST, "OfficePBX", "inner.pbx.example", "10.20.30.40", "secret-proxy")
OF_CARRIER = (CARRIER_HOST, "CarrierWare", "sbc7.carrier.example", "10.99.88.77")
OF_US = ("kamailio", "rtpengine", "X-Trunkline", "127.0.0.1:{inner}", "127.0.0.1:{front}")
TELLING = (
    "Diversion: <sip:+15550009999@10.20.30.40>;reason=unconditional\r\n"
    "History-Info: <sip:+15550009999@inner.pbx.example>;index=1\r\n"
    'Warning: 399 inner.pbx.example "call from 10.20.30.40"\r\n'
    "P-Charging-Vector: icid-value=1;icid-generated-at=10.20.30.40\r\n"
    "X-Customer: kept\r\nX-Trunkline-Hop: forged\r\nOrganization: OfficePBX\r\n"
    "Record-Route: <sip:{address};lr;at=secret-proxy>\r\n"
)
ANSWER_TELLING = (
    'Warning: 399 sbc7.carrier.example "from 10.99.88.77"\r\nP-Asserted-Identity: <sip:+15550001111@10.99.88.77>\r\n'
    "Record-Route: <sip:{address};lr;at=10.99.88.77>\r\nX-Carrier: kept\r\n"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawTrunk]:
    with LiveNode(tmp_path_factory.mktemp("hiding") / "home", demo=False) as node:
        with RawTrunk(node) as raw:
            yield raw
        assert [line for line in errors_logged(node) if "SIGKILL" not in line and "tls_front" not in line] == []


@pytest.fixture(autouse=True)
def _nothing_left(world: RawTrunk) -> None:
    while world.carrier.poll():
        pass
    world.carrier.received.clear()
    world.carrier.raw_received.clear()


@pytest.fixture
def pbx(world: RawTrunk) -> Iterator[RawAgent]:
    with world.pbx() as agent:
        yield agent


def assert_hidden(world: RawTrunk, pbx: RawAgent) -> None:
    numbers = json.loads(world.node.settings.ports_file.read_text())
    ours = [word.format(inner=numbers["edge_inner"], front=numbers["tls_front"]) for word in OF_US]
    assert naming(world.carrier.raw_received, *OF_PBX, *ours) == []
    assert naming(pbx.raw_received, *OF_CARRIER, *ours) == []


def test_a_whole_call(world: RawTrunk, pbx: RawAgent) -> None:
    call = world.call(pbx, headers=telling(pbx), answer_headers=telling(world.carrier))
    assert call.invite.first("X-Customer") == "kept"
    assert call.answer.first("X-Carrier") == "kept"
    assert call.invite.first("Diversion").startswith("<sip:+15550009999@")
    # The answer is for its caller: its own Via, tags and Call-ID.
    assert call.answer.every("Via")[0].startswith(f"SIP/2.0/UDP {PBX_HOST}:{pbx.port};branch=")
    assert (call.answer.first("Call-ID"), call.answer.from_tag) == (call.of_caller.call_id, call.of_caller.local_tag)
    for sender, dialog, other in ((pbx, call.of_caller, world.carrier), (world.carrier, call.of_callee, pbx)):
        before = len(other.received)
        sender.send(sender.request(dialog, "INVITE", body=sender.sdp(version=2), headers=telling(sender)))
        again = other.wait_request("INVITE", after=before)
        other.respond(again, 200, body=other.sdp(version=2), headers=telling(other))
        answered = sender.final(dialog)
        assert answered.sip_status == 200
        sender.ack(dialog, answered)
        other.wait_request("ACK", after=before)
    call.ends(by=world.carrier)
    assert_hidden(world, pbx)
    assert world.node.record(call.call_id)["ended_by"] == "callee"


def test_the_first_ack_goes_by_what_the_answer_left_and_the_second_by_its_leg(world: RawTrunk, pbx: RawAgent) -> None:
    rpc = KamailioRpc(edge_socket(world.node.settings))
    dialog = world.invited(pbx)
    invite = world.carrier.wait_request("INVITE")
    taken = world.carrier.taken(invite)
    world.carrier.respond(invite, 200, tag=taken.local_tag, body=world.carrier.sdp())
    answer = pbx.final(dialog)
    assert f" {world.carrier.contact} " in str(rpc.call("htable.dump", ["ack"]))
    stranger = pbx.new_dialog("sip:nobody@example.com", "stranger")
    acks = []
    for left in (True, False):
        assert bool(rpc.call("htable.dump", ["ack"])) is left
        before = len(world.carrier.received)
        stranger.target, stranger.remote_tag = str(answer.first("Contact")).strip("<>"), "made-up"
        pbx.send(pbx.request(stranger, "ACK"))
        pbx.ack(dialog, answer)
        acks.append(world.carrier.wait_request("ACK", after=before))
    assert acks[0].start_line == acks[1].start_line
    assert [ack.first("Call-ID") for ack in acks] == [invite.first("Call-ID")] * 2
    Call(pbx, world.carrier, dialog, taken, invite, answer).ends()
    assert_hidden(world, pbx)


def test_a_call_of_messages_without_a_content_length(
    world: RawTrunk, pbx: RawAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By UDP a body then ends with the datagram (RFC 3261 section 18.3): it is SDP all the same, and no way past us."""
    for agent in (pbx, world.carrier):
        monkeypatch.setattr(
            agent, "send", lambda message, to=None, agent=agent: RawAgent.send(agent, bare(message), to)
        )
    call = world.call(pbx)
    for sender, dialog, other in ((pbx, call.of_caller, world.carrier), (world.carrier, call.of_callee, pbx)):
        before = len(other.received)
        sender.send(sender.request(dialog, "INVITE", body=sender.sdp(version=2)))
        again = other.wait_request("INVITE", after=before)
        other.respond(again, 200, body=other.sdp(version=2))
        answered = sender.final(dialog)
        assert (answered.sip_status, "m=audio" in answered.body) == (200, True)
        sender.ack(dialog, answered)
        other.wait_request("ACK", after=before)
    call.ends()
    assert b"Content-Length" not in b"".join(pbx.sent)
    assert_hidden(world, pbx)


def bare(message: bytes) -> bytes:
    return re.sub(rb"Content-Length: \d+\r\n", b"", message)


@pytest.mark.parametrize("name", ["bob@10.20.30.40", "bob@10.20.30.40 of sales", "a @ b"])
def test_a_name_with_an_at_sign_stays_a_name(world: RawTrunk, pbx: RawAgent, name: str) -> None:
    dialog = world.invited(pbx, headers=f'Diversion: "{name}" <sip:+15550009999@10.20.30.40>;reason=no-answer\r\n')
    invite = world.carrier.wait_request("INVITE")
    shown = name.replace("10.20.30.40", "127.0.0.1")
    assert invite.first("Diversion") == f'"{shown}" <sip:+15550009999@127.0.0.1>;reason=no-answer'
    world.carrier.respond(invite, 486, tag="x")
    pbx.ack(dialog, pbx.final(dialog))
    assert_hidden(world, pbx)


def test_a_refused_call(world: RawTrunk, pbx: RawAgent) -> None:
    dialog = world.invited(pbx, headers=telling(pbx))
    invite = world.carrier.wait_request("INVITE")
    world.carrier.respond(
        invite,
        486,
        "Busy at 10.99.88.77",
        tag="x",
        headers=telling(world.carrier) + 'Reason: Q.850;cause=17;text="10.99.88.77"\r\n',
    )
    refused = pbx.final(dialog)
    pbx.ack(dialog, refused)
    assert (refused.sip_status, refused.first("Reason")) == (486, "Q.850;cause=17")
    assert_hidden(world, pbx)


def test_a_canceled_call(world: RawTrunk, pbx: RawAgent) -> None:
    dialog = world.invited(pbx, headers=telling(pbx))
    invite = world.carrier.wait_request("INVITE")
    world.carrier.respond(invite, 180, "Ringing", tag="x", headers=telling(world.carrier))
    pbx.provisional(dialog)
    sent = pbx.sent[-1].decode()
    via = next(line for line in sent.split("\r\n") if line.startswith("Via:"))
    branch = via.partition("branch=")[2].partition(";")[0]
    dialog.remote_tag, dialog.target, dialog.routes = "", sent.split(" ")[1], []
    pbx.send(pbx.request(dialog, "CANCEL", branch=branch, headers='Reason: SIP;cause=487;text="10.20.30.40"\r\n'))
    cancel = world.carrier.wait_request("CANCEL")
    world.carrier.respond(cancel, 200, tag="x")
    world.carrier.respond(invite, 487, "Request Terminated", tag="x", headers=telling(world.carrier))
    ended = pbx.final(dialog)
    pbx.ack(dialog, ended)
    assert ended.sip_status == 487
    assert_hidden(world, pbx)


def test_a_bye_passes_after_kill_9(world: RawTrunk, pbx: RawAgent) -> None:
    """Both ways: nothing of the two calls is left but what the parties carry."""
    calls: list[Call] = [world.call(pbx) for _ in range(2)]
    (pid,) = world.node.pids("kamailio")
    os.kill(pid, signal.SIGKILL)
    wait_for(world.node.healthy, "the node after the kill", within=30)
    wait_for(lambda: options(world.carrier), "the edge", within=20)
    calls[0].ends(by=pbx)
    calls[1].ends(by=world.carrier)
    assert_hidden(world, pbx)
    for call in calls:
        assert world.node.record(call.call_id)["status"] == "completed"


def test_over_tls_our_inner_addresses_stay_inside(world: RawTrunk, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trunk = world.node.make_trunk(secure=True)
    with PbxProcess("--tls-port", "0", "--trace", str(trace)) as secure:
        called = secure.place_call(
            trunk.plan(world.node, "+15550190001", transport="tls", srtp="mandatory", seconds=0.3)
        )
        invite = world.carrier.wait_request("INVITE")
        dialog = world.carrier.taken(invite)
        world.carrier.respond(invite, 200, tag=dialog.local_tag, body=world.carrier.sdp())
        world.carrier.wait_request("ACK")
        world.carrier.respond(world.carrier.wait_request("BYE"), 200)
        assert secure.result(called, wait=10).sip_status == 200
    numbers = json.loads(world.node.settings.ports_file.read_text())
    ours = [word.format(inner=numbers["edge_inner"], front=numbers["tls_front"]) for word in OF_US]
    assert naming([trace.read_bytes()], *OF_CARRIER, *ours) == []
    assert naming(world.carrier.raw_received, *ours, ":5061", str(secure.uri("tls"))) == []


UNUSUAL = (
    "Diversion: <sip:10.20.30.40>;reason=unconditional\r\nDiversion: sip:10.20.30.40:5070;reason=user-busy\r\n"
    "Diversion: <sip:+15550009999;npdi@10.20.30.40>, <SIP:10.20.30.40;transport=tcp>\r\n"
    "History-Info: <sip:10.20.30.40?Reason=SIP%3Bcause%3D302>;index=1\r\n"
    "P-Asserted-Identity: <sip:10.20.30.40>\r\nRemote-Party-ID: <sip:10.20.30.40>;party=called\r\n"
    "Alert-Info: <http://10.20.30.40/Bellcore-dr2>\r\nX-Kept: yes\r\n"
)
UNUSUAL_SDP = (
    "a=ssrc:1 cname:office@10.20.30.40\r\na=source-filter: incl IN IP4 * 10.20.30.40\r\na=vendor:10.20.30.40\r\n"
    "k=clear:10.20.30.40\r\nm=message 7 TCP/MSRP *\r\nc=IN IP4 10.20.30.40\r\na=path:msrp://10.20.30.40:7/s;tcp\r\n"
)


def test_places_in_unusual_forms(world: RawTrunk, pbx: RawAgent) -> None:
    """URIs without a user, URLs, reason phrases, and what SDP says beside its addresses, both ways."""
    dialog = world.invited(pbx, headers=UNUSUAL, body=pbx.sdp(extra=UNUSUAL_SDP))
    invite = world.carrier.wait_request("INVITE")
    assert "sip:+15550009999;npdi@" in str(invite.every("Diversion"))
    assert invite.first("Alert-Info").endswith("/Bellcore-dr2>")
    # What the media relay does not take is refused: it would go past us.
    assert "m=message 0 TCP/MSRP *" in invite.body.splitlines()
    taken = world.carrier.taken(invite)
    respond, answer_sdp = world.carrier.respond, world.carrier.sdp(extra=UNUSUAL_SDP)
    respond(invite, 183, "Progress from 10.20.30.40", tag=taken.local_tag, headers=UNUSUAL, body=answer_sdp)
    respond(invite, 200, tag=taken.local_tag, headers=UNUSUAL, body=answer_sdp)
    answer = pbx.final(dialog)
    assert answer.first("X-Kept") == "yes"
    pbx.ack(dialog, answer)
    pbx.send(pbx.request(dialog, "INFO", headers=UNUSUAL))
    respond(world.carrier.wait_request("INFO"), 420, "Not at 10.20.30.40", headers=UNUSUAL)
    assert pbx.final(dialog, "INFO").sip_status == 420
    assert naming(world.carrier.raw_received, *OF_PBX, "10.20.30.40") == []
    assert naming(pbx.raw_received, *OF_CARRIER, "10.20.30.40") == []
    Call(pbx, world.carrier, dialog, taken, invite, answer).ends()


def telling(agent: RawAgent) -> str:
    """Headers that say where this agent is, with itself as its own proxy."""
    return (TELLING if agent.host == PBX_HOST else ANSWER_TELLING).format(address=f"{agent.host}:{agent.port}")


def options(pbx: RawAgent) -> bool:
    dialog = pbx.new_dialog(f"sip:{pbx.peer[0]}:{pbx.peer[1]}", "probe")
    pbx.send(pbx.request(dialog, "OPTIONS"))
    try:
        return pbx.final(dialog, "OPTIONS", within=0.5).sip_status == 200
    except TimeoutError:
        return False


def test_a_stranger_with_the_contact_of_a_call(world: RawTrunk, pbx: RawAgent) -> None:
    """Who has overheard our Contact but not the tags of the dialog gets nowhere."""
    call = world.call(pbx)
    stranger = pbx.new_dialog("sip:nobody@example.com", "stranger")
    stranger.target, stranger.remote_tag = call.of_caller.target, "made-up"
    before = len(world.carrier.received)
    pbx.send(pbx.request(stranger, "BYE"))
    pbx.poll(0.3)
    world.carrier.poll(0.3)
    assert [m.start_line for m in world.carrier.received[before:] if m.method != "OPTIONS"] == []
    call.ends()
