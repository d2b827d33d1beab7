"""What is no G.711: fax by T.38, and codecs that only the two sides have to know. The edge relays both, unread."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from live_node import LiveNode, LiveTrunk, wait_for
from played_carriers import Pbx, PlayedCarrier
from raw_trunk import Call, naming

from trunkline.testbench.pcap import Address
from trunkline.testbench.raw_agent import RTP_SECONDS, Dialog, RawAgent, media_address
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def trunk(node: LiveNode) -> LiveTrunk:
    return node.make_trunk()


@pytest.fixture
def played(node: LiveNode) -> Iterator[PlayedCarrier]:
    """The carrier of the node's calls, for this test."""
    with PlayedCarrier(node, Priority=0) as carrier:
        yield carrier


@pytest.fixture
def pbx(node: LiveNode, trunk: LiveTrunk) -> Iterator[Pbx]:
    with Pbx(node, trunk) as agent:
        yield agent


def called(pbx: Pbx, carrier: PlayedCarrier, offer: bytes, answer: bytes) -> Call:
    """An answered call with these SDPs."""
    trunk = pbx.trunk
    dialog = pbx.new_dialog(f"sip:+15550190002@{trunk.domain_name}", trunk.number, from_host=trunk.domain_name)
    pbx.send(pbx.request(dialog, "INVITE", body=offer))
    challenge = pbx.final(dialog)
    pbx.ack(dialog, challenge)
    pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
    pbx.send(pbx.request(dialog, "INVITE", body=offer))
    invite = carrier.invite()
    taken = carrier.taken(invite)
    carrier.respond(invite, 200, tag=taken.local_tag, body=answer)
    final = pbx.final(dialog)
    assert final.sip_status == 200
    pbx.ack(dialog, final)
    carrier.wait_request("ACK")
    return Call(pbx, carrier, dialog, taken, invite, final)


def agreed(sender: RawAgent, dialog: Dialog, other: RawAgent, offer: bytes, answer: bytes) -> tuple[SipText, SipText]:
    """A re-INVITE across: as the other side got it, and its answer as the sender got it."""
    before = len(other.received)
    sender.send(sender.request(dialog, "INVITE", body=offer))
    asked = other.wait_request("INVITE", after=before)
    other.respond(asked, 200, body=answer)
    final = sender.final(dialog)
    assert final.sip_status == 200
    sender.ack(dialog, final)
    other.wait_request("ACK", after=before)
    return asked, final


def heard(agent: RawAgent) -> set[tuple[int, bytes]]:
    """Payload type and payload of the RTP that came."""
    return {(packet.data[1] & 0x7F, packet.data[12:]) for packet in agent.rtp_received}


def talk(one: RawAgent, other: RawAgent, for_one: SipText, for_other: SipText, payload_type: int, octets: int) -> None:
    """Twenty packets each way, through the edge, as they were sent. `for_one`: the SDP that says where `one` sends."""
    sides = ((one, media_address(for_one), b"\x11" * octets), (other, media_address(for_other), b"\x22" * octets))
    for agent in (one, other):
        agent.rtp_received.clear()
    for _ in range(20):
        for agent, to, payload in sides:
            agent.send_rtp(agent.rtp_packet(payload, payload_type=payload_type), to)
            agent.poll(RTP_SECONDS / 2)
    for agent in (one, other):
        wait_for(lambda agent=agent: not agent.poll(0.1) and agent.rtp_received, "the audio", within=3)
    assert heard(one) == {(payload_type, b"\x22" * octets)}
    assert heard(other) == {(payload_type, b"\x11" * octets)}
    assert min(len(one.rtp_received), len(other.rtp_received)) > 10


# ---- codecs ---------------------------------------------------------------------------------------------------------

OPUS = "a=rtpmap:{0} opus/48000/2\r\na=fmtp:{0} useinbandfec=1\r\n"


@pytest.mark.parametrize(
    ("codec", "payload_type", "about", "octets"),
    [("G722", 9, "a=rtpmap:9 G722/8000\r\n", 160), ("G729", 18, "", 20), ("OPUS", 111, OPUS.format(111), 61)],
    ids=["G722", "G729", "OPUS"],
)
def test_a_codec_of_both_sides(
    node: LiveNode, played: PlayedCarrier, pbx: Pbx, codec: str, payload_type: int, about: str, octets: int
) -> None:
    """Offered first, with G.711 behind it, and taken: the packets pass untouched, and the record names it."""
    call = called(
        pbx, played,
        pbx.sdp(formats=f"{payload_type} 0 8 101", extra=about),
        played.sdp(formats=f"{payload_type} 101", extra=about),
    )  # fmt: skip
    for message in (call.invite, call.answer):
        assert re.search(rf"^m=audio \d+ RTP/AVP {payload_type} ", message.body, re.MULTILINE)
        assert media_address(message)[0] == node.host
        assert all(line in message.body.splitlines() for line in about.splitlines())
    talk(pbx, played, call.answer, call.invite, payload_type, octets)
    call.ends()
    record = node.record(call.call_id)
    assert (record["status"], record["codec"]) == ("completed", codec)
    assert min(record["customer_side"]["packets"], record["carrier_side"]["packets"]) > 10


# ---- T.38 -----------------------------------------------------------------------------------------------------------


def fax(agent: RawAgent, version: int) -> bytes:
    """SDP of T.38 by UDPTL (ITU-T T.38 annex D), at the agent's RTP port."""
    return (
        f"v=0\r\no={agent.agent.partition('/')[0]} 1 {version} IN IP4 {agent.host}\r\ns={agent.agent}\r\n"
        f"c=IN IP4 {agent.host}\r\nt=0 0\r\nm=image {agent.rtp_port} udptl t38\r\n"
        "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"
        "a=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
    ).encode()


def fax_address(message: SipText) -> Address:
    """Where an SDP body wants its UDPTL."""
    host = re.search(r"^c=IN IP4 (\S+)", message.body, re.MULTILINE)
    port = re.search(r"^m=image (\d+) udptl t38", message.body, re.MULTILINE)
    assert host is not None, message.body
    assert port is not None, message.body
    return host.group(1), int(port.group(1))


def udptl(sequence: int, text: bytes) -> bytes:
    """A datagram of ITU-T T.38 section 9.1: number, one primary packet, no redundancy."""
    return sequence.to_bytes(2, "big") + bytes([len(text)]) + text + b"\x00\x00"


@pytest.mark.parametrize("by", ["carrier", "pbx"])
def test_a_fax_and_back_to_audio(node: LiveNode, played: PlayedCarrier, pbx: Pbx, by: str) -> None:
    """The call begins with audio, either side changes it to T.38, and then back."""
    call = called(pbx, played, pbx.sdp(), played.sdp())
    talk(pbx, played, call.answer, call.invite, 0, 160)

    sides = (pbx, call.of_caller, played), (played, call.of_callee, pbx)
    sender, dialog, other = sides[by == "carrier"]
    asked, final = agreed(sender, dialog, other, fax(sender, 2), fax(other, 2))
    for message in (asked, final):
        assert fax_address(message)[0] == node.host
        assert fax_address(message)[1] not in (pbx.rtp_port, played.rtp_port)
        assert "a=T38FaxUdpEC:t38UDPRedundancy" in message.body
    assert naming([asked.body.encode()], sender.host, sender.agent.partition("/")[0]) == []
    assert naming([final.body.encode()], other.host, other.agent.partition("/")[0]) == []
    for agent in (pbx, played):
        agent.rtp_received.clear()
    for n in range(20):
        sender.send_rtp(udptl(n, b"from the sender"), fax_address(final))
        other.send_rtp(udptl(n, b"from the other"), fax_address(asked))
        sender.poll(RTP_SECONDS / 2)
        other.poll(RTP_SECONDS / 2)
    for agent, text in ((sender, b"from the other"), (other, b"from the sender")):
        wait_for(lambda agent=agent: not agent.poll(0.1) and agent.rtp_received, "the fax", within=3)
        got = [packet.data for packet in agent.rtp_received]
        assert set(got) <= {udptl(n, text) for n in range(20)}
        assert len(got) > 10

    asked, final = agreed(sender, dialog, other, sender.sdp(version=3), other.sdp(version=3))
    talk(sender, other, final, asked, 0, 160)
    call.ends()
    record = node.record(call.call_id)
    assert (record["status"], record["codec"]) == ("completed", "PCMU")
