"""SRTP on secure trunks (rulings, "Secure trunk"): which suites we take and which one we offer, with audio."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from demo_carrier import add_url
from live_node import LiveNode
from played_carriers import PlayedCarrier
from srtp import Srtp
from tls_pbx import CalledTlsPbx, TlsPbx

from trunkline.testbench.raw_agent import RTP_SECONDS, Dialog, RawAgent, media_address
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live

HOST = "127.0.0.1"
LOST = "32208 SRTP required: SDP within the call has no key that is taken"
SHORT, LONG = "AES_CM_128_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_80"


@pytest.fixture
def played(node: LiveNode) -> Iterator[PlayedCarrier]:
    """The carrier of the node's calls, for this test."""
    with PlayedCarrier(node, Priority=0) as carrier:
        node.api.post(f"{carrier.path}/Addresses", Network=f"{carrier.host}/32")
        node.wait_published()
        yield carrier


def secure_sdp(agent: RawAgent, *keys: Srtp) -> bytes:
    lines = "".join(key.crypto.replace("crypto:1", f"crypto:{n}") for n, key in enumerate(keys, 1))
    return agent.sdp(protocol="RTP/SAVP", extra=lines)


def only_key(message: SipText) -> Srtp:
    """The key of the one crypto line of the SDP, which is the edge's."""
    assert re.search(r"^m=audio \d+ RTP/SAVP ", message.body, re.MULTILINE)
    ((suite, inline),) = re.findall(r"^a=crypto:\d+ (\S+) inline:([^\s|]+)", message.body, re.MULTILINE)
    return Srtp(suite, inline)


def plain(message: SipText) -> bool:
    return "a=crypto" not in message.body and " RTP/AVP " in message.body


def octets(packets: list[bytes]) -> set[int]:
    return {packet[12] for packet in packets}


def talk(
    pbx: RawAgent, carrier: RawAgent, to_pbx: SipText, to_carrier: SipText, ours: Srtp, theirs: Srtp
) -> list[bytes]:
    """Secure audio of the PBX comes plain to the carrier, and the other way round; what the PBX has got."""
    pbx.rtp_received.clear()
    carrier.rtp_received.clear()
    for _ in range(20):
        pbx.send_rtp(ours.protect(pbx.rtp_packet(b"\x11" * 160)), media_address(to_pbx))
        carrier.talk(media_address(to_carrier), RTP_SECONDS, octet=0x22)
    carrier.poll(0.1)
    pbx.poll(0.1)
    got = [packet.data for packet in pbx.rtp_received]
    assert octets([packet.data for packet in carrier.rtp_received]) == {0x11}
    assert {len(packet.data) for packet in carrier.rtp_received} == {172}
    assert octets([theirs.unprotect(packet) for packet in got]) == {0x22}
    assert len(got) > 10
    return got


@pytest.mark.parametrize(("suite", "tag_bytes"), [(SHORT, 4), (LONG, 10)])
def test_what_a_secure_pbx_may_offer(node: LiveNode, played: PlayedCarrier, suite: str, tag_bytes: int) -> None:
    """Either suite alone: the answer has it, and so has the audio."""
    trunk = node.make_trunk(secure=True)
    ours = Srtp(suite)
    with TlsPbx(node, HOST) as pbx:
        dialog = pbx.new_dialog(f"sip:+15550190001@{trunk.domain_name}", trunk.number)
        for authorize in (True, False):
            pbx.send(pbx.request(dialog, "INVITE", body=secure_sdp(pbx, ours)))
            if authorize:
                challenge = pbx.final(dialog)
                pbx.ack(dialog, challenge)
                pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        invite = played.invite()
        assert plain(invite)
        played.take(invite)
        answer = pbx.final(dialog)
        assert answer.sip_status == 200
        theirs = only_key(answer)
        assert theirs.suite == suite
        pbx.ack(dialog, answer)
        played.wait_request("ACK")
        got = talk(pbx, played, answer, invite, ours, theirs)
        assert {len(packet) for packet in got} == {172 + tag_bytes}
        pbx.send(pbx.request(dialog, "BYE"))
        played.respond(played.wait_request("BYE"), 200)
        assert pbx.final(dialog, "BYE").sip_status == 200
    record = node.record(dialog.call_id)
    assert (record["status"], record["secure"]) == ("completed", True)


@pytest.mark.parametrize("suite", ["AES_256_CM_HMAC_SHA1_80", None])
def test_an_offer_without_a_key_that_we_take(node: LiveNode, played: PlayedCarrier, suite: str | None) -> None:
    """RTP/SAVP alone keeps nothing secret: refused, and no carrier hears of it."""
    trunk = node.make_trunk(secure=True)
    keys = [] if suite is None else [Srtp(LONG)]
    with TlsPbx(node, HOST) as pbx:
        dialog = pbx.new_dialog(f"sip:+15550190001@{trunk.domain_name}", trunk.number)
        body = secure_sdp(pbx, *keys).replace(LONG.encode(), (suite or "").encode())
        pbx.send(pbx.request(dialog, "INVITE", body=body))
        challenge = pbx.final(dialog)
        pbx.ack(dialog, challenge)
        pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        pbx.send(pbx.request(dialog, "INVITE", body=body))
        refused = pbx.final(dialog)
        pbx.ack(dialog, refused)
    assert (refused.sip_status, refused.first("X-Twilio-Error")) == (
        488,
        "32208 SRTP required: no a=crypto line of the offer has AES_CM_128_HMAC_SHA1_80 or _32",
    )
    (alert,) = node.record(dialog.call_id)["alerts"]
    assert alert["error_code"] == 32208
    assert not [m for m in played.received if m.method == "INVITE"]


def test_a_secure_call_stays_secure(node: LiveNode, played: PlayedCarrier) -> None:
    """Its PBX cannot change it to plain RTP later, and goes on as it was."""
    trunk = node.make_trunk(secure=True)
    ours = Srtp(LONG)
    with TlsPbx(node, HOST) as pbx:
        dialog = pbx.new_dialog(f"sip:+15550190001@{trunk.domain_name}", trunk.number)
        pbx.send(pbx.request(dialog, "INVITE", body=secure_sdp(pbx, ours)))
        challenge = pbx.final(dialog)
        pbx.ack(dialog, challenge)
        pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        pbx.send(pbx.request(dialog, "INVITE", body=secure_sdp(pbx, ours)))
        invite = played.invite()
        taken = played.take(invite)
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer)
        played.wait_request("ACK")
        theirs, before = only_key(answer), len(played.received)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp(version=2)))
        refused = pbx.final(dialog)
        pbx.ack(dialog, refused)
        assert (refused.sip_status, refused.first("X-Twilio-Error")) == (488, LOST)
        talk(pbx, played, answer, invite, ours, theirs)
        assert not [m for m in played.received[before:] if m.method == "INVITE"]
        # Nor by its answer to the other side's.
        before = len(pbx.received)
        played.send(played.request(taken, "INVITE", body=played.sdp(version=2)))
        asked = pbx.wait_request("INVITE", after=before)
        assert "RTP/SAVP" in asked.body
        pbx.respond(asked, 200, body=pbx.sdp(version=3))
        final = played.final(taken)
        assert (final.sip_status, final.body) == (200, "")
        played.ack(taken, final)
        pbx.send(pbx.request(dialog, "BYE"))
        played.respond(played.wait_request("BYE"), 200)
    assert_told(node, dialog)


def assert_told(node: LiveNode, dialog: Dialog) -> None:
    """Once, however often its PBX did it."""
    assert [alert["error_code"] for alert in node.record(dialog.call_id)["alerts"]] == [32208]


def test_a_secure_pbx_that_was_made_an_offer(node: LiveNode, played: PlayedCarrier) -> None:
    """Its INVITE has no SDP; its answer, in a PRACK or in the ACK, has no key: it does not get to the carrier."""
    trunk = node.make_trunk(secure=True)
    with TlsPbx(node, HOST) as pbx:
        dialog = pbx.new_dialog(f"sip:+15550190001@{trunk.domain_name}", trunk.number)
        pbx.send(pbx.request(dialog, "INVITE", headers="Supported: 100rel\r\n"))
        challenge = pbx.final(dialog)
        pbx.ack(dialog, challenge)
        pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        pbx.send(pbx.request(dialog, "INVITE", headers="Supported: 100rel\r\n"))
        number, invite = dialog.cseq, played.invite()
        taken = played.taken(invite)
        reliable = "Require: 100rel\r\nRSeq: 7\r\n"
        played.respond(invite, 183, tag=taken.local_tag, headers=reliable, body=played.sdp())
        early = pbx.provisional(dialog)
        assert "a=crypto" in early.body
        pbx.send(pbx.request(dialog, "PRACK", headers=f"RAck: 7 {number} INVITE\r\n", body=pbx.sdp()))
        refused = pbx.final(dialog, "PRACK")
        assert (refused.sip_status, refused.first("X-Twilio-Error")) == (488, LOST)
        played.respond(invite, 200, tag=taken.local_tag, body=played.sdp())
        dialog.cseq, asked = number, dialog.cseq
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer, body=pbx.sdp())
        assert played.wait_request("ACK").body == ""
        assert not [m for m in played.received if m.method == "PRACK"]
        dialog.cseq = asked
        pbx.send(pbx.request(dialog, "BYE"))
        played.respond(played.wait_request("BYE"), 200)
        assert pbx.final(dialog, "BYE").sip_status == 200
    assert_told(node, dialog)


def call_by_the_carrier(node: LiveNode, played: PlayedCarrier, pbx: CalledTlsPbx) -> tuple[Dialog, SipText]:
    """Of the number of a secure trunk. The carrier's dialog, and the INVITE as its PBX got it."""
    trunk = node.make_trunk(secure=True)
    add_url(node, trunk, f"sip:{HOST}:{pbx.port};transport=tls")
    node.wait_published()
    dialog = played.new_dialog(f"sip:{trunk.number}@{node.host}", "+15557770001")
    played.send(played.request(dialog, "INVITE", body=played.sdp()))
    pbx.accept()
    return dialog, pbx.wait_request("INVITE")


def test_a_secure_pbx_that_answers_without_a_key(node: LiveNode, played: PlayedCarrier) -> None:
    """What it says of its media is taken out, and no audio crosses: neither side's would be secret."""
    with CalledTlsPbx(node, HOST) as pbx:
        dialog, invite = call_by_the_carrier(node, played, pbx)
        taken = pbx.taken(invite)
        pbx.respond(invite, 200, tag=taken.local_tag, body=pbx.sdp())
        answer = played.final(dialog)
        assert (answer.sip_status, answer.body) == (200, "")
        played.ack(dialog, answer)
        pbx.wait_request("ACK")
        for _ in range(20):
            pbx.talk(media_address(invite), RTP_SECONDS, octet=0x11)
        played.poll(0.2)
        assert not played.rtp_received
        played.send(played.request(dialog, "BYE"))
        pbx.respond(pbx.wait_request("BYE"), 200)
        assert played.final(dialog, "BYE").sip_status == 200
    assert_told(node, dialog)


def test_a_secure_pbx_is_offered_one_suite(node: LiveNode, played: PlayedCarrier) -> None:
    with CalledTlsPbx(node, HOST) as pbx:
        dialog, invite = call_by_the_carrier(node, played, pbx)
        theirs, ours = only_key(invite), Srtp(LONG)
        assert theirs.suite == LONG
        taken = pbx.taken(invite)
        pbx.respond(invite, 200, tag=taken.local_tag, body=secure_sdp(pbx, ours))
        answer = played.final(dialog)
        assert answer.sip_status == 200
        assert plain(answer)
        played.ack(dialog, answer)
        pbx.wait_request("ACK")
        talk(pbx, played, invite, answer, ours, theirs)
        pbx.send(pbx.request(taken, "BYE"))
        played.respond(played.wait_request("BYE"), 200)
        assert pbx.final(taken, "BYE").sip_status == 200
    assert node.record(dialog.call_id)["secure"] is True
