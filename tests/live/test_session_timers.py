"""Session timers (RFC 4028) between every kind of PBX and carrier."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_node import wait_for
from raw_trunk import (
    PBX_HOST,
    Call,
    RawTrunk,
    exchange,
    fresh_pbx,
    hear_each_other,
    naming,
    played_trunk,
)

from trunkline.api.client import View
from trunkline.testbench.raw_agent import RawAgent
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawTrunk]:
    with played_trunk(tmp_path_factory.mktemp("timers")) as raw:
        yield raw


@pytest.fixture
def pbx(world: RawTrunk) -> Iterator[RawAgent]:
    with fresh_pbx(world) as agent:
        yield agent


def test_a_session_timer_of_one_side(world: RawTrunk, pbx: RawAgent) -> None:
    """The carrier wants a refresh and does it itself; a PBX that knows nothing of it answers a plain UPDATE."""
    call = world.call(pbx, answer_headers="Session-Expires: 90;refresher=uas\r\n")
    assert call.answer.first("Session-Expires") == "90;refresher=uas"
    _, answer = exchange(world.carrier, call.of_callee, pbx, "UPDATE")
    assert answer.sip_status == 200
    call.ends()


SESSION = "Session-Expires: 1800;refresher="
TIMER = "Supported: timer\r\nMin-SE: 90\r\n"


def session_of(message: SipText) -> tuple[str, str]:
    return message.first("Session-Expires"), message.first("Require")


@pytest.mark.parametrize("refresher", ["uac", "uas"])
def test_both_sides_speak_session_timers(world: RawTrunk, pbx: RawAgent, refresher: str) -> None:
    """What they agree on passes, and so does each refresh of the one whose turn it is: UPDATE, and re-INVITE."""
    agreed = f"1800;refresher={refresher}"
    call = world.call(
        pbx,
        headers=f"{TIMER}{SESSION}{refresher}\r\n",
        answer_headers=f"Require: timer\r\n{SESSION}{refresher}\r\n",
    )
    assert (call.invite.first("Session-Expires"), call.invite.first("Min-SE")) == (agreed, "90")
    assert call.invite.first("Supported") == "timer"
    assert session_of(call.answer) == (agreed, "timer")
    sides = (pbx, call.of_caller, world.carrier), (world.carrier, call.of_callee, pbx)
    sender, dialog, other = sides[refresher == "uas"]
    for method in ("UPDATE", "INVITE"):
        sdp = {"body": sender.sdp(), "answer": other.sdp()} if method == "INVITE" else {}
        asked, answered = exchange(
            sender, dialog, other, method,
            headers=f"{TIMER}{SESSION}uac\r\n", answer_headers=f"Require: timer\r\n{SESSION}uac\r\n", **sdp,
        )  # fmt: skip
        assert asked.first("Session-Expires") == "1800;refresher=uac"
        assert session_of(answered) == ("1800;refresher=uac", "timer")
        assert answered.first("Contact")
    hear_each_other(world, pbx, call.answer, call.invite)
    call.ends()
    assert world.node.record(call.call_id)["status"] == "completed"


@pytest.mark.parametrize(("status", "reason"), [(405, "Method Not Allowed"), (501, "Not Implemented")])
def test_a_refresh_by_update_of_a_pbx_that_knows_no_update(
    world: RawTrunk, pbx: RawAgent, status: int, reason: str
) -> None:
    """It has answered, so it is there: the edge says so, and the carrier keeps the call. An UPDATE that wants something
    is refused as it was."""
    call = world.call(pbx, answer_headers=f"{SESSION}uas\r\n")
    carrier = world.carrier
    for _ in range(2):
        asked, answer = exchange(
            carrier, call.of_callee, pbx, "UPDATE", status, reason, headers=f"{TIMER}{SESSION}uac\r\n"
        )
        assert asked.first("Session-Expires") == "1800;refresher=uac"
        assert (answer.sip_status, answer.first("Contact")) == (200, f"<{call.of_callee.target}>")
        assert naming([carrier.raw_received[-1]], PBX_HOST, "OfficePBX") == []
    _, plain = exchange(carrier, call.of_callee, pbx, "UPDATE", status, reason)
    _, changing = exchange(
        carrier, call.of_callee, pbx, "UPDATE", status, reason,
        headers=f"{TIMER}{SESSION}uac\r\n", body=carrier.sdp(version=2),
    )  # fmt: skip
    _, unknown = exchange(carrier, call.of_callee, pbx, "UPDATE", 488, "No", headers=f"{TIMER}{SESSION}uac\r\n")
    assert [plain.sip_status, changing.sip_status, unknown.sip_status] == [status, status, 488]
    hear_each_other(world, pbx, call.answer, call.invite)
    call.ends(by=carrier)


def test_a_carrier_that_wants_a_longer_session(world: RawTrunk, pbx: RawAgent) -> None:
    """422 says how long, and the PBX asks again so (RFC 4028 section 7.3): the same Call-ID, another call."""
    carrier = world.carrier
    dialog = world.invited(pbx, headers="Supported: timer\r\nSession-Expires: 100\r\n")
    invite = carrier.wait_request("INVITE")
    carrier.respond(invite, 422, "Session Interval Too Small", tag="short", headers="Min-SE: 1800\r\n")
    refused = pbx.final(dialog)
    pbx.ack(dialog, refused)
    carrier.wait_request("ACK")
    assert (refused.sip_status, refused.first("Min-SE")) == (422, "1800")
    carrier.received.clear()
    wanted = "Supported: timer\r\nSession-Expires: 1800\r\nMin-SE: 1800\r\n"
    dialog.challenge = ""
    pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp(), headers=wanted))
    challenge = pbx.final(dialog)
    pbx.ack(dialog, challenge)
    pbx.authorize(dialog, challenge, "INVITE", world.trunk.username, world.trunk.password)
    pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp(), headers=wanted))
    invite = carrier.wait_request("INVITE")
    assert (invite.first("Session-Expires"), invite.first("Min-SE")) == ("1800", "1800")
    taken = carrier.taken(invite)
    carrier.respond(invite, 200, tag=taken.local_tag, headers=f"Require: timer\r\n{SESSION}uac\r\n", body=carrier.sdp())
    answer = pbx.final(dialog)
    pbx.ack(dialog, answer)
    carrier.wait_request("ACK")
    assert session_of(answer) == ("1800;refresher=uac", "timer")
    Call(pbx, carrier, dialog, taken, invite, answer).ends()
    records = wait_for(lambda: over(world.node.find_records(dialog.call_id)), "both records")
    assert {(one["status"], one["sip_status"]) for one in records} == {("failed", 422), ("completed", 200)}


def over(records: list[View]) -> list[View]:
    """Both, when both have ended."""
    return records if len(records) == 2 and all(one["ended_us"] for one in records) else []


def test_a_pbx_that_wants_a_longer_session(world: RawTrunk, pbx: RawAgent) -> None:
    """The carrier learns from its 422 how long, also where no other origination URL is left."""
    trunk, carrier = world.node.make_trunk(), world.carrier
    url = {"FriendlyName": "PBX", "Priority": 1, "Weight": 1, "Enabled": True}
    world.node.api.post(f"/v1/Trunks/{trunk.sid}/OriginationUrls", SipUrl=f"sip:{PBX_HOST}:{pbx.port}", **url)
    world.node.wait_published()
    dialog = carrier.new_dialog(f"sip:{trunk.number}@{world.node.host}", "+15557770001")
    carrier.send(carrier.request(dialog, "INVITE", body=carrier.sdp(), headers="Session-Expires: 100\r\n"))
    invite = pbx.wait_request("INVITE")
    pbx.respond(invite, 422, "Session Interval Too Small", tag="short", headers="Min-SE: 600;x=1\r\n")
    refused = carrier.final(dialog)
    carrier.ack(dialog, refused)
    assert (refused.sip_status, refused.first("Min-SE")) == (422, "600")
