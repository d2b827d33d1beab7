"""Reliable provisional responses and what their PRACK carries (RFC 3262), and UPDATE before the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from raw_trunk import Call, RawTrunk, exchange, fresh_pbx, hear_each_other, played_trunk

from trunkline.testbench.raw_agent import Dialog, RawAgent, learn, media_address
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawTrunk]:
    with played_trunk(tmp_path_factory.mktemp("provisional")) as raw:
        yield raw


@pytest.fixture
def pbx(world: RawTrunk) -> Iterator[RawAgent]:
    with fresh_pbx(world) as agent:
        yield agent


def test_reliable_provisional_and_update(world: RawTrunk, pbx: RawAgent) -> None:
    """183 with RSeq and SDP, PRACK, UPDATE in the early dialog, then the answer."""
    dialog = world.invited(pbx, headers="Supported: 100rel\r\n")
    carrier = world.carrier
    invite = carrier.wait_request("INVITE")
    taken = carrier.taken(invite)
    reliable = "Require: 100rel\r\nRSeq: 7\r\n"
    carrier.respond(invite, 183, "Session Progress", tag=taken.local_tag, headers=reliable, body=carrier.sdp())
    early = pbx.wait(lambda m: m.sip_status == 183)
    learn(dialog, early)
    assert (early.first("RSeq"), media_address(early)[0]) == ("7", world.edge[0])
    number = dialog.cseq
    pbx.send(pbx.request(dialog, "PRACK", headers=f"RAck: 7 {number} INVITE\r\n"))
    prack = carrier.wait_request("PRACK")
    assert prack.first("RAck") == f"7 {number} INVITE"
    carrier.respond(prack, 200)
    assert pbx.final(dialog, "PRACK").sip_status == 200
    update, answered = exchange(pbx, dialog, carrier, "UPDATE", body=pbx.sdp(version=2), answer=carrier.sdp(version=2))
    assert media_address(update)[0] == media_address(answered)[0] == world.edge[0]
    carrier.respond(invite, 200, tag=taken.local_tag)
    dialog.cseq, asked = number, dialog.cseq
    answer = pbx.final(dialog)
    dialog.cseq = asked
    assert answer.sip_status == 200
    pbx.send(pbx.request(dialog, "ACK", cseq=number))
    carrier.wait_request("ACK")
    Call(pbx, carrier, dialog, taken, invite, answer).ends()
    assert world.node.record(dialog.call_id)["status"] == "completed"


def reliable(
    callee: RawAgent, invite: SipText, taken: Dialog, pbx: RawAgent, dialog: Dialog, number: int, body: bytes = b""
) -> SipText:
    """A 183 with this RSeq, as the caller got it."""
    headers = f"Require: 100rel\r\nRSeq: {number}\r\n"
    callee.respond(invite, 183, "Session Progress", tag=taken.local_tag, headers=headers, body=body)
    early = pbx.wait(lambda m: m.sip_status == 183 and m.first("RSeq") == str(number))
    learn(dialog, early)
    return early


def pracked(
    pbx: RawAgent,
    dialog: Dialog,
    callee: RawAgent,
    rack: str,
    body: bytes = b"",
    answer: bytes = b"",
    status: int = 200,
) -> tuple[SipText, SipText]:
    """A PRACK across, and its answer: as the callee and as the caller got them."""
    before = len(callee.received)
    pbx.send(pbx.request(dialog, "PRACK", headers=f"RAck: {rack}\r\n", body=body))
    prack = callee.wait_request("PRACK", after=before)
    assert prack.first("RAck") == rack
    callee.respond(prack, status, body=answer)
    return prack, pbx.final(dialog, "PRACK")


def confirm(world: RawTrunk, pbx: RawAgent, dialog: Dialog, invite: SipText, taken: Dialog, number: int) -> SipText:
    """200 without SDP, and its ACK."""
    world.carrier.respond(invite, 200, tag=taken.local_tag)
    dialog.cseq, asked = number, dialog.cseq
    answer = pbx.final(dialog)
    dialog.cseq = asked
    assert answer.sip_status == 200
    pbx.send(pbx.request(dialog, "ACK", cseq=number))
    world.carrier.wait_request("ACK")
    return answer


def test_an_offer_in_a_provisional_response_is_answered_in_its_prack(world: RawTrunk, pbx: RawAgent) -> None:
    """RFC 3262 section 5; the INVITE has no SDP."""
    dialog = world.invited(pbx, headers="Supported: 100rel\r\n", body=b"")
    carrier, number = world.carrier, dialog.cseq
    invite = carrier.wait_request("INVITE")
    assert not invite.body
    taken = carrier.taken(invite)
    offer = reliable(carrier, invite, taken, pbx, dialog, 41, carrier.sdp())
    prack, acknowledged = pracked(pbx, dialog, carrier, f"41 {number} INVITE", pbx.sdp())
    assert (acknowledged.sip_status, acknowledged.body) == (200, "")
    hear_each_other(world, pbx, offer, prack)
    # A second one without SDP: what its PRACK has is an offer.
    reliable(carrier, invite, taken, pbx, dialog, 42)
    prack, answered = pracked(pbx, dialog, carrier, f"42 {number} INVITE", pbx.sdp(version=2), carrier.sdp(version=2))
    hear_each_other(world, pbx, answered, prack)
    answer = confirm(world, pbx, dialog, invite, taken, number)
    hear_each_other(world, pbx, answered, prack)
    Call(pbx, carrier, dialog, taken, invite, answer).ends()
    record = world.node.record(dialog.call_id)
    assert record["status"] == "completed"
    assert record["customer_side"]["packets"] > 10


def test_an_offer_in_a_prack_is_answered_in_its_200(world: RawTrunk, pbx: RawAgent) -> None:
    dialog = world.invited(pbx, headers="Supported: 100rel\r\n")
    carrier, number = world.carrier, dialog.cseq
    invite = carrier.wait_request("INVITE")
    taken = carrier.taken(invite)
    reliable(carrier, invite, taken, pbx, dialog, 7, carrier.sdp())
    prack, answered = pracked(
        pbx, dialog, carrier, f"7 {number} INVITE",
        pbx.sdp(version=2, formats="8 101"), carrier.sdp(version=2, formats="8 101"),
    )  # fmt: skip
    assert re.search(r"m=audio \d+ RTP/AVP 8 101", prack.body)
    assert re.search(r"m=audio \d+ RTP/AVP 8 101", answered.body)
    for message in (prack, answered):
        assert "OfficePBX" not in message.body
        assert "CarrierWare" not in message.body
    hear_each_other(world, pbx, answered, prack)
    answer = confirm(world, pbx, dialog, invite, taken, number)
    Call(pbx, carrier, dialog, taken, invite, answer).ends()
    assert world.node.record(dialog.call_id)["status"] == "completed"


def test_an_offer_in_a_prack_that_is_refused(world: RawTrunk, pbx: RawAgent) -> None:
    """The call goes on with what was agreed before."""
    dialog = world.invited(pbx, headers="Supported: 100rel\r\n")
    carrier, number = world.carrier, dialog.cseq
    invite = carrier.wait_request("INVITE")
    taken = carrier.taken(invite)
    early = reliable(carrier, invite, taken, pbx, dialog, 7, carrier.sdp())
    _, refused = pracked(pbx, dialog, carrier, f"7 {number} INVITE", pbx.sdp(version=2), status=488)
    assert refused.sip_status == 488
    hear_each_other(world, pbx, early, invite)
    answer = confirm(world, pbx, dialog, invite, taken, number)
    Call(pbx, carrier, dialog, taken, invite, answer).ends()
    assert world.node.record(dialog.call_id)["status"] == "completed"


def test_a_prack_brings_no_media_into_a_call_that_is_over(world: RawTrunk, pbx: RawAgent) -> None:
    call = world.call(pbx)
    call.ends()
    pbx.send(pbx.request(call.of_caller, "PRACK", headers="RAck: 1 1 INVITE\r\n", body=pbx.sdp(version=2)))
    assert pbx.final(call.of_caller, "PRACK").sip_status == 481
    assert not [m for m in world.carrier.received if m.method == "PRACK"]
