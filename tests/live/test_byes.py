"""A call that a party has ended is over on the other side as well, however the BYE looked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from raw_trunk import RawTrunk, fresh_pbx, played_trunk

from trunkline.core.edge_bye import CSEQ
from trunkline.testbench.raw_agent import RawAgent

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawTrunk]:
    with played_trunk(tmp_path_factory.mktemp("byes")) as raw:
        yield raw


@pytest.fixture
def pbx(world: RawTrunk) -> Iterator[RawAgent]:
    with fresh_pbx(world, quiet_for=0.1) as agent:
        yield agent


@pytest.mark.parametrize(
    ("headers", "cseq", "status"), [("Require: a-refusal\r\n", None, 420), ("", 1, 500), ("Accept: x/y\r\n", None, 406)]
)
@pytest.mark.parametrize("by", ["caller", "callee"])
def test_a_bye_that_the_other_side_refuses(
    world: RawTrunk, pbx: RawAgent, headers: str, cseq: int | None, status: int, by: str
) -> None:
    """It ends the record, and what the account pays; the carrier would count on, at the operator's expense."""
    call = world.call(pbx)
    sender, dialog, other = (
        (pbx, call.of_caller, world.carrier) if by == "caller" else (world.carrier, call.of_callee, pbx)
    )
    seen = len(other.received)
    sender.send(sender.request(dialog, "BYE", headers=headers, cseq=cseq))
    other.respond(other.wait_request("BYE", after=seen), status, "No", tag="x")
    ours = other.wait(
        lambda m: m.is_request and m.method == "BYE" and int(m.first("CSeq").split()[0]) >= CSEQ, "a BYE of the edge"
    )
    assert ours.first("Require") == ""
    # One that is refused again is the last.
    other.respond(ours, 500, "No")
    later = len(other.received)
    other.poll(0.5)
    assert [m for m in other.received[later:] if m.method == "BYE" and m.first("Via") != ours.first("Via")] == []
    record = world.node.record(call.call_id)
    assert (record["status"], record["ended_by"]) == ("completed", by)


def test_a_call_id_with_blanks(world: RawTrunk, pbx: RawAgent) -> None:
    call = world.call(pbx, call_id="a b  c")
    pbx.send(pbx.request(call.of_caller, "BYE", headers="Require: a-refusal\r\n"))
    world.carrier.respond(world.carrier.wait_request("BYE"), 420, "No", tag="x")
    ours = world.carrier.wait(lambda m: m.is_request and m.first("CSeq") == f"{CSEQ} BYE", "a BYE of the edge")
    world.carrier.respond(ours, 200)
    assert world.node.record("a b  c")["status"] == "completed"


def test_a_party_cannot_count_past_us(world: RawTrunk, pbx: RawAgent) -> None:
    """With the highest CSeq of all in its own hand, its call could not be ended by its longest duration."""
    call = world.call(pbx)
    for sender, dialog in ((pbx, call.of_caller), (world.carrier, call.of_callee)):
        for number in (CSEQ, (1 << 31) - 1):
            sender.send(sender.request(dialog, "OPTIONS", cseq=number))
            refused = sender.wait(lambda m, n=number: m.sip_status >= 200 and m.first("CSeq") == f"{n} OPTIONS")
            assert refused.sip_status == 400
    call.ends()
    dialog = pbx.new_dialog(f"sip:+15550190001@{world.trunk.domain_name}", world.trunk.number)
    dialog.cseq = CSEQ - 1
    pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
    assert pbx.final(dialog).sip_status == 400


def test_the_longest_duration_ends_a_call_that_counts_high(world: RawTrunk, pbx: RawAgent) -> None:
    trunk = world.node.make_trunk(MaxCallSeconds=2)
    dialog = pbx.new_dialog(f"sip:+15550190001@{trunk.domain_name}", trunk.number)
    dialog.cseq = CSEQ - 10
    pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
    challenge = pbx.final(dialog)
    pbx.ack(dialog, challenge)
    pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
    pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
    invite = world.carrier.wait_request("INVITE")
    taken = world.carrier.taken(invite)
    world.carrier.respond(invite, 200, tag=taken.local_tag, body=world.carrier.sdp())
    answer = pbx.final(dialog)
    pbx.ack(dialog, answer)
    bye = world.carrier.wait_request("BYE", within=12)
    assert int(bye.first("CSeq").split()[0]) > dialog.cseq
    world.carrier.respond(bye, 200)
    pbx.respond(pbx.wait_request("BYE"), 200)
    assert world.node.record(dialog.call_id)["cause"] == "MAX_DURATION"
