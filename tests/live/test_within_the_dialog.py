"""What happens between INVITE and BYE, message by message: every request passes, or is refused cleanly."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from live_node import wait_for
from raw_trunk import CARRIER_HOST, PBX_HOST, Call, RawTrunk, exchange, fresh_pbx, played_trunk

from trunkline.testbench.raw_agent import RawAgent, learn, media_address
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawTrunk]:
    with played_trunk(tmp_path_factory.mktemp("within")) as raw:
        yield raw


@pytest.fixture
def pbx(world: RawTrunk) -> Iterator[RawAgent]:
    with fresh_pbx(world) as agent:
        yield agent


def test_sdp_in_a_request_that_has_none(world: RawTrunk, pbx: RawAgent) -> None:
    call = world.call(pbx)
    pbx.send(pbx.request(call.of_caller, "INFO", body=pbx.sdp(version=2)))
    assert pbx.final(call.of_caller, "INFO").sip_status == 488
    call.ends()


def of(agent: RawAgent, method: str, number: int) -> list[SipText]:
    """Requests of this method and CSeq that have come."""
    return [m for m in agent.received if m.is_request and m.first("CSeq") == f"{number} {method}"]


def test_a_reinvite_does_not_overtake_the_ack(world: RawTrunk, pbx: RawAgent) -> None:
    """Two workers may take them in the wrong order, which is sent here: the re-INVITE waits until it is repeated."""
    carrier = world.carrier
    dialog = world.invited(pbx)
    invite = carrier.wait_request("INVITE")
    taken = carrier.taken(invite)
    carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
    for version in (2, 3):  # behind the ACK of the INVITE, and behind that of a re-INVITE
        answer = pbx.final(dialog)
        acknowledged = dialog.cseq
        again = pbx.request(dialog, "INVITE", body=pbx.sdp(version=version))
        pbx.send(again)
        carrier.poll(0.3)
        assert not of(carrier, "INVITE", dialog.cseq)
        pbx.send(pbx.request(dialog, "ACK", cseq=acknowledged))
        carrier.wait(lambda m, n=acknowledged: m.first("CSeq") == f"{n} ACK", "the ACK")
        assert not of(carrier, "INVITE", dialog.cseq)
        pbx.send(again)
        carrier.wait(lambda m, n=dialog.cseq: m.is_request and m.first("CSeq") == f"{n} INVITE", "the re-INVITE")
        carrier.respond(of(carrier, "INVITE", dialog.cseq)[0], 200, body=carrier.sdp(version=version))
    answer = pbx.final(dialog)
    pbx.ack(dialog, answer)
    carrier.wait(lambda m: m.first("CSeq") == f"{dialog.cseq} ACK", "the last ACK")
    Call(pbx, carrier, dialog, taken, invite, answer).ends()
    assert world.node.record(dialog.call_id)["status"] == "completed"


def test_a_reinvite_whose_ack_is_lost_passes_when_it_is_repeated(world: RawTrunk, pbx: RawAgent) -> None:
    call = world.call(pbx)
    carrier, dialog = world.carrier, call.of_caller
    pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp(version=2)))
    carrier.wait(lambda m: m.is_request and m.first("CSeq") == f"{dialog.cseq} INVITE", "the re-INVITE")
    carrier.respond(of(carrier, "INVITE", dialog.cseq)[0], 200, body=carrier.sdp(version=2))
    assert pbx.final(dialog).sip_status == 200
    again = pbx.request(dialog, "INVITE", body=pbx.sdp(version=3))
    for _ in range(2):
        pbx.send(again)
        carrier.poll(0.3)
    asked = of(carrier, "INVITE", dialog.cseq)
    assert len(asked) == 1
    carrier.respond(asked[0], 200, body=carrier.sdp(version=3))
    pbx.ack(dialog, pbx.final(dialog))
    call.ends()


def test_no_reinvite_overtakes_the_ack_that_it_follows(world: RawTrunk, pbx: RawAgent) -> None:
    """Sent in one breath, many times: one in six came first before, on a machine with much to do."""
    call = world.call(pbx)
    carrier, dialog = world.carrier, call.of_caller
    pbx.send(pbx.request(dialog, "INVITE"))
    for n in range(150):
        number = dialog.cseq
        carrier.wait(lambda m, n=number: m.is_request and m.first("CSeq") == f"{n} INVITE", f"re-INVITE {n}")
        carrier.respond(of(carrier, "INVITE", number)[0], 200)
        assert pbx.final(dialog).sip_status == 200
        ack, again = pbx.request(dialog, "ACK", cseq=number), pbx.request(dialog, "INVITE")
        for agent in (carrier, pbx):
            agent.received.clear()
        pbx.send(ack)
        pbx.send(again)
        for _ in range(10):
            carrier.poll(0.3)
            if of(carrier, "ACK", number) and of(carrier, "INVITE", dialog.cseq):
                break
            if of(carrier, "ACK", number):
                pbx.send(again)
        order = [m.method for m in carrier.received if m.is_request and m.method != "OPTIONS"]
        assert order[:2] == ["ACK", "INVITE"]
    carrier.respond(of(carrier, "INVITE", dialog.cseq)[0], 200)
    pbx.ack(dialog, pbx.final(dialog))
    call.ends()


def test_reinvites(world: RawTrunk, pbx: RawAgent) -> None:
    """Hold, resume with another codec, T.38 refused, glare, INFO, a session refresh, and REFER."""
    call = world.call(pbx)
    carrier = world.carrier
    held, _ = exchange(
        pbx, call.of_caller, carrier, "INVITE",
        body=pbx.sdp(version=2, extra="a=sendonly\r\n"), answer=carrier.sdp(version=2, extra="a=recvonly\r\n"),
    )  # fmt: skip
    assert "a=sendonly" in held.body
    changed, answer = exchange(
        carrier, call.of_callee, pbx, "INVITE",
        body=carrier.sdp(version=3, formats="8 101"), answer=pbx.sdp(version=3, formats="8 101"),
    )  # fmt: skip
    assert re.search(r"m=audio \d+ RTP/AVP 8 101", changed.body)
    assert re.search(r"m=audio \d+ RTP/AVP 8 101", answer.body)
    fax = f"v=0\r\no=- 1 4 IN IP4 {pbx.host}\r\ns=-\r\nc=IN IP4 {pbx.host}\r\nt=0 0\r\nm=image 4000 udptl t38\r\n"
    asked, refused = exchange(pbx, call.of_caller, carrier, "INVITE", 488, "Not Acceptable Here", body=fax.encode())
    assert "m=image" in asked.body
    assert refused.sip_status == 488
    _, glare = exchange(carrier, call.of_callee, pbx, "INVITE", 491, "Request Pending", body=carrier.sdp(version=4))
    assert glare.sip_status == 491
    _, info = exchange(pbx, call.of_caller, carrier, "INFO")
    assert info.sip_status == 200
    before = len(carrier.received)
    pbx.send(pbx.request(call.of_caller, "REFER", headers="Refer-To: <sip:+15550001111@example.com>\r\n"))
    transfer = pbx.final(call.of_caller, "REFER")
    assert transfer.sip_status == 403
    assert transfer.first("X-Twilio-Error").startswith("32218")
    assert [m for m in carrier.received[before:] if m.method == "REFER"] == []
    call.ends(by=carrier)


def test_two_answers_of_a_fork(world: RawTrunk, pbx: RawAgent) -> None:
    """Both get their ACK and their BYE, each by its own Contact."""
    dialog = world.invited(pbx)
    carrier = world.carrier
    invite = carrier.wait_request("INVITE")
    for tag in ("first", "second"):
        carrier.respond(invite, 200, tag=tag, body=carrier.sdp(), contact=f"sip:{tag}@{CARRIER_HOST}:{carrier.port}")
    for tag in ("first", "second"):
        answer = pbx.wait(lambda m, tag=tag: m.sip_status == 200 and f"tag={tag}" in m.first("To"))
        learn(dialog, answer)
        pbx.ack(dialog, answer)
        acknowledged = carrier.wait(lambda m, tag=tag: m.method == "ACK" and m.ruri.startswith(f"sip:{tag}@"))
        assert f"tag={tag}" in acknowledged.first("To")
    for tag in ("second", "first"):
        answer = pbx.wait(lambda m, tag=tag: m.sip_status == 200 and f"tag={tag}" in m.first("To"))
        learn(dialog, answer)
        pbx.send(pbx.request(dialog, "BYE"))
        bye = carrier.wait(lambda m, tag=tag: m.is_request and m.method == "BYE" and f"tag={tag}" in m.first("To"))
        carrier.respond(bye, 200)
        assert pbx.final(dialog, "BYE").sip_status == 200
    assert world.node.record(dialog.call_id)["status"] == "completed"


def test_a_cancel_that_crosses_the_answer(world: RawTrunk, pbx: RawAgent) -> None:
    dialog = world.invited(pbx)
    carrier = world.carrier
    invite = carrier.wait_request("INVITE")
    carrier.respond(invite, 180, "Ringing", tag="late")
    pbx.wait(lambda m: m.sip_status == 180)
    branch = re.search(rb"branch=([^;\s]+)", pbx.sent[-1])
    assert branch is not None
    pbx.send(pbx.request(dialog, "CANCEL", branch=branch.group(1).decode()))
    cancel = carrier.wait_request("CANCEL")
    taken = carrier.taken(invite)
    carrier.respond(invite, 200, tag="late", body=carrier.sdp())
    carrier.respond(cancel, 200, tag="late")
    answer = pbx.final(dialog)
    assert answer.sip_status == 200
    pbx.ack(dialog, answer)
    carrier.wait_request("ACK")
    taken.local_tag = "late"
    Call(pbx, carrier, dialog, taken, invite, answer).ends()
    assert world.node.record(dialog.call_id)["status"] == "completed"


def heard(agent: RawAgent) -> set[int]:
    """The first octets of the audio that came."""
    return {packet.data[12] for packet in agent.rtp_received}


def test_two_calls_with_one_call_id_keep_their_media(world: RawTrunk, pbx: RawAgent) -> None:
    """A PBX that uses a Call-ID twice: neither call takes the audio of the other."""
    one = world.call(pbx, call_id="the-same")
    ports = {one.edge_for_caller, one.edge_for_callee}
    with world.pbx() as other:
        two = world.call(other, call_id="the-same")
        assert not ports & {two.edge_for_caller, two.edge_for_callee}
        world.carrier.rtp_received.clear()
        pbx.talk(one.edge_for_caller, 0.1, octet=0x11)
        other.talk(two.edge_for_caller, 0.1, octet=0x22)
        wait_for(lambda: not world.carrier.poll(0.1) and len(heard(world.carrier)) == 2, "the audio of both", within=2)
        assert heard(world.carrier) == {0x11, 0x22}
        two.ends()
    one.ends()


def test_dtmf_has_another_payload_type_on_each_side(world: RawTrunk, pbx: RawAgent) -> None:
    """Each side gets the type that it has asked for (RFC 3264 section 6.1), and the packet time is nobody else's."""
    carrier = world.carrier
    dialog = world.invited(pbx, body=pbx.sdp(formats="0 101", extra="a=ptime:30\r\n"))
    invite = carrier.wait_request("INVITE")
    assert re.search(r"^m=audio \d+ RTP/AVP 0 101\s*$", invite.body, re.MULTILINE)
    taken = carrier.taken(invite)
    carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp(formats="0 96", dtmf=96, extra="a=ptime:30\r\n"))
    answer = pbx.final(dialog)
    assert "a=rtpmap:96 telephone-event/8000" in answer.body
    assert "a=ptime:30" in invite.body
    assert "a=ptime:30" in answer.body
    pbx.ack(dialog, answer)
    carrier.wait_request("ACK")
    pbx.talk(media_address(answer), 0.1)
    carrier.talk(media_address(invite), 0.1)
    digit = b"\x05\x8a\x03\x20"
    pbx.send_rtp(pbx.rtp_packet(digit, payload_type=96), media_address(answer))
    carrier.send_rtp(carrier.rtp_packet(digit, payload_type=101), media_address(invite))
    for agent, payload_type in ((carrier, 96), (pbx, 101)):
        wait_for(lambda agent=agent: not agent.poll(0.1) and digits(agent), "the digit", within=2)
        assert digits(agent) == [payload_type]
    Call(pbx, carrier, dialog, taken, invite, answer).ends()


def digits(agent: RawAgent) -> list[int]:
    """The payload types of the DTMF packets that came (RFC 4733: four bytes)."""
    return [packet.data[1] & 0x7F for packet in agent.rtp_received if len(packet.data) == 16]


def test_who_guesses_the_port_does_not_get_the_stream(world: RawTrunk, pbx: RawAgent) -> None:
    """Once a stream runs, packets from elsewhere neither turn it away nor are heard."""
    call = world.call(pbx)
    carrier = world.carrier
    for _ in range(24):  # 4.8 s, both ways: rtpengine settles when 3 whole seconds of its clock lie behind the answer's
        pbx.talk(call.edge_for_caller, 0.1, octet=0x11)
        carrier.talk(call.edge_for_callee, 0.1, octet=0x22)
    carrier.poll(0.1)
    pbx.poll(0.1)
    carrier.rtp_received.clear()
    pbx.rtp_received.clear()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        attacker.bind(("127.0.7.66", 0))
        attacker.settimeout(0.05)
        for _ in range(25):
            attacker.sendto(pbx.rtp_packet(b"\x66" * 160), call.edge_for_caller)
            attacker.sendto(pbx.rtp_packet(b"\x66" * 160), call.edge_for_callee)
            carrier.talk(call.edge_for_callee, 0.02, octet=0x22)
        carrier.talk(call.edge_for_callee, 0.2, octet=0x22)
        pbx.talk(call.edge_for_caller, 0.2, octet=0x11)
        with pytest.raises(TimeoutError):
            attacker.recv(2048)
    carrier.poll(0.1)
    pbx.poll(0.1)
    assert (heard(pbx), heard(carrier)) == ({0x22}, {0x11})
    assert PBX_HOST != CARRIER_HOST
    call.ends()


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_caller_stays_who_it_was(world: RawTrunk, pbx: RawAgent, method: str) -> None:
    """Who calls was judged with the INVITE: another number in From or P-Asserted-Identity later is not passed on."""
    call = world.call(pbx)
    before = len(world.carrier.received)
    call.of_caller.local = f"<sip:+12025550199@{PBX_HOST}>"
    asserted = "P-Asserted-Identity: <sip:+12025550199@x>\r\nRemote-Party-ID: <sip:+12025550199@x>\r\n"
    asserted += "P-Preferred-Identity: <sip:+12025550199@x>\r\n"
    pbx.send(pbx.request(call.of_caller, method, headers=asserted, body=pbx.sdp(version=2)))
    passed = world.carrier.wait_request(method, after=before)
    world.carrier.respond(passed, 200, body=world.carrier.sdp(version=2))
    answer = pbx.final(call.of_caller, method)
    # The answer is the sender's own again.
    assert answer.first("From").startswith(call.of_caller.local)
    if method == "INVITE":
        pbx.ack(call.of_caller, answer)
        world.carrier.wait_request("ACK", after=before)
    assert passed.first("From").startswith(f"<sip:{world.trunk.number}@{world.node.host}>;tag=")
    assert "+12025550199" not in str(passed.headers)
    # The other way a party may say who has answered (RFC 4916), at our address.
    seen = len(pbx.received)
    told = "P-Asserted-Identity: <sip:+15550001111@10.99.88.77>\r\n"
    world.carrier.send(world.carrier.request(call.of_callee, method, headers=told, body=world.carrier.sdp(version=3)))
    passed = pbx.wait_request(method, after=seen)
    assert passed.first("P-Asserted-Identity") == f"<sip:+15550001111@{world.node.host}>"
    pbx.respond(passed, 200, body=pbx.sdp(version=3))
    answer = world.carrier.final(call.of_callee, method)
    if method == "INVITE":
        world.carrier.ack(call.of_callee, answer)
        pbx.wait_request("ACK", after=seen)
    call.ends()
