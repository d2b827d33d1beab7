"""Which carrier a call goes to: rates, calls per second and at a time, the time for the setup and for ringing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from live_node import LiveNode, LiveTrunk, wait_for
from played_carriers import Pbx, PlayedCarrier
from raw_trunk import Call, errors_logged

from trunkline.engines.kamailio.call_book import CallBook
from trunkline.engines.kamailio.config import call_book_file
from trunkline.engines.kamailio.routing import LOOK_EVERY
from trunkline.node.carrier_words import carriers_in_words
from trunkline.testbench.raw_agent import Dialog
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live

RINGS = 3.0
"""Seconds for which a phone may ring here."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """A node without carriers."""
    settings = {"TRUNKLINE_SETUP_SECONDS": "5", "TRUNKLINE_RING_SECONDS": str(RINGS)}
    with LiveNode(tmp_path_factory.mktemp("hunt") / "home", demo=False, environment=settings) as node:
        yield node
        assert errors_logged(node) == []


@pytest.fixture(scope="module")
def trunk(bare: LiveNode) -> LiveTrunk:
    return bare.make_trunk()


@pytest.fixture
def pbx(bare: LiveNode, trunk: LiveTrunk) -> Iterator[Pbx]:
    with Pbx(bare, trunk) as agent:
        yield agent


# ---- which carrier --------------------------------------------------------------------------------------------------


def test_the_cheaper_one_carries_the_call_and_its_price_is_in_the_record(bare: LiveNode, pbx: Pbx) -> None:
    with (
        PlayedCarrier(bare, rates={"+1": "0.02", "+1555": "0.05"}) as dear,
        PlayedCarrier(bare, "127.0.7.4", rates={"+1": "0.03"}) as cheap,
        PlayedCarrier(bare, "127.0.7.5", rates={"+44": "0.001"}) as elsewhere,
    ):
        dialog = pbx.dial()
        cheap.refuse(cheap.invite(), 503)
        invite = dear.invite()
        taken = dear.take(invite)
        pbx.ack(dialog, pbx.final(dialog))
        dear.wait(lambda m: m.method == "ACK", "the ACK")
        dear.send(dear.request(taken, "BYE"))
        pbx.respond(pbx.wait_request("BYE"), 200)
        record = bare.record(dialog.call_id)
        assert record["price_micros"] == 50_000, "a begun minute"
        rates = [(one["carrier_sid"], one["rate_micros"], one["rate_next_seconds"]) for one in record["attempts"]]
        assert rates == [(cheap.sid, 30_000, 60), (dear.sid, 50_000, 60)]
        assert not [m for m in elsewhere.received if m.method == "INVITE"]


def test_a_carrier_takes_so_many_calls_and_the_next_goes_elsewhere(bare: LiveNode, trunk: LiveTrunk) -> None:
    with (
        PlayedCarrier(bare, Priority=1, ConcurrentCallsLimit=1) as first,
        PlayedCarrier(bare, "127.0.7.4", Priority=2, ConcurrentCallsLimit=1) as second,
        Pbx(bare, trunk) as one,
        Pbx(bare, trunk) as two,
        Pbx(bare, trunk) as three,
    ):
        calls = []
        for pbx, carrier in ((one, first), (two, second)):
            dialog = pbx.dial()
            carrier.take(carrier.invite())
            pbx.ack(dialog, pbx.final(dialog))
            calls.append((pbx, dialog, carrier))
        dialog = three.dial()
        answer = three.final(dialog)
        three.ack(dialog, answer)
        assert (answer.sip_status, answer.first("X-Twilio-Error")) == (503, "32400 No carrier has room for the call")
        for pbx, up, carrier in calls:
            carrier.wait(lambda m: m.method == "ACK", "the ACK")
            pbx.hang_up(up, carrier)
        before = len(first.received)
        dialog = three.dial()
        first.refuse(first.invite(after=before), 503)
        second.refuse(second.invite(after=before), 486)
        three.ack(dialog, three.final(dialog))
        before = len(first.received)
        dialog = one.dial()
        first.refuse(first.invite(after=before), 486)  # what failed before has given its place back
        one.ack(dialog, one.final(dialog))


def test_calls_per_second(bare: LiveNode, trunk: LiveTrunk) -> None:
    with (
        PlayedCarrier(bare, Priority=1, CpsLimit=0.1) as first,
        PlayedCarrier(bare, "127.0.7.4", Priority=2) as second,
        Pbx(bare, trunk) as pbx,
    ):
        for carrier in (first, second):
            dialog = pbx.dial()
            carrier.refuse(carrier.invite(), 486)
            pbx.ack(dialog, pbx.final(dialog))


def test_when_the_time_is_used_up_no_other_carrier_is_tried(bare: LiveNode, pbx: Pbx) -> None:
    """TRUNKLINE_SETUP_SECONDS of this node is 5; silence costs 4 s."""
    with (
        PlayedCarrier(bare, Priority=1) as first,
        PlayedCarrier(bare, "127.0.7.4", Priority=2) as second,
        PlayedCarrier(bare, "127.0.7.5", Priority=3) as third,
    ):
        dialog = pbx.dial()
        first.invite()
        second.wait_request("INVITE", within=8)
        answer = pbx.final(dialog, within=10)
        pbx.ack(dialog, answer)
        assert answer.sip_status == 503
        assert not third.received
        attempts = bare.record(dialog.call_id)["attempts"]
        assert attempts[-1]["next"] == "nothing came back in time; the time for the setup is used up"


# ---- ringing --------------------------------------------------------------------------------------------------------


def ringing(pbx: Pbx, carrier: PlayedCarrier) -> tuple[Dialog, SipText, Dialog]:
    """A call that rings: as the caller has it, and at the carrier."""
    before = len(carrier.received)
    dialog = pbx.dial()
    invite = carrier.invite(after=before)
    taken = carrier.taken(invite)
    carrier.respond(invite, 180, "Ringing", tag=taken.local_tag)
    pbx.provisional(dialog)
    return dialog, invite, taken


def test_one_is_answered_late_and_the_other_never(bare: LiveNode, trunk: LiveTrunk) -> None:
    """At the same time. One phone says again that it rings, as RFC 3261 section 13.3.1.1 asks, and is answered after
    more seconds than one may ring in silence; the silent one's call ends, and gives its place back."""
    book = CallBook(call_book_file(bare.settings))
    with PlayedCarrier(bare) as carrier, Pbx(bare, trunk) as patient, Pbx(bare, trunk) as forsaken:

        def of_call(dialog: Dialog, method: str) -> list[SipText]:
            """Requests that have come to the carrier."""
            carrier.poll(0.1)
            called = [m for m in carrier.received if m.is_request and m.first("Call-ID") == dialog.call_id]
            return [m for m in called if m.method == method]

        late, invite, taken = ringing(patient, carrier)
        begun = time.monotonic()
        never, silent, left = ringing(forsaken, carrier)
        wait_for(lambda: time.monotonic() > begun + RINGS - 1, "the time to ring again", within=RINGS)
        carrier.respond(invite, 180, "Ringing", tag=taken.local_tag)
        assert book.calls_up(trunk.sid) == 2

        (cancel,) = wait_for(lambda: of_call(left, "CANCEL"), "the CANCEL of the silent one", within=RINGS + 3)
        carrier.respond(cancel, 200, tag=left.local_tag)
        carrier.respond(silent, 487, "Request Terminated", tag=left.local_tag)
        refusal = forsaken.final(never)
        forsaken.ack(never, refusal)
        assert refusal.sip_status == 408
        wait_for(lambda: of_call(left, "ACK"), "the ACK of its 487")
        wait_for(lambda: book.calls_up(trunk.sid) == 1, "the place of the call that nobody took")
        record = bare.record(never.call_id)
        assert (record["status"], record["sip_status"], record["ended_by"]) == ("no-answer", 408, "edge")
        (attempt,) = record["attempts"]
        assert (attempt["outcome"], attempt["next"]) == ("failed", "the callee did not answer in time")
        assert RINGS - 0.2 < (record["ended_us"] - record["ringing_us"]) / 1e6 < RINGS + 2

        wait_for(lambda: time.monotonic() > begun + RINGS + 1, "the time to answer", within=RINGS)
        assert of_call(taken, "CANCEL") == []
        carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
        answer = patient.final(late)
        assert answer.sip_status == 200
        patient.ack(late, answer)
        wait_for(lambda: of_call(taken, "ACK"), "the ACK")
        Call(patient, carrier, late, taken, invite, answer).ends()
        wait_for(lambda: book.calls_up(trunk.sid) == 0, "the place of the answered call")
    book.close()
    record = bare.record(late.call_id)
    assert record["status"] == "completed"
    assert (record["answered_us"] - record["ringing_us"]) / 1e6 > RINGS + 0.9


# ---- 503 with Retry-After -------------------------------------------------------------------------------------------


def target_of(node: LiveNode, carrier: PlayedCarrier) -> dict[str, Any]:
    """The carrier's only target, as the API shows it."""
    (row,) = node.api.get(f"{carrier.path}/Targets")["targets"]
    return dict(row)


def test_a_carrier_that_asks_for_a_rest_gets_no_new_calls_until_it_is_over(bare: LiveNode, trunk: LiveTrunk) -> None:
    with (
        PlayedCarrier(bare, Priority=1) as first,
        PlayedCarrier(bare, "127.0.7.4", Priority=2) as second,
        Pbx(bare, trunk) as pbx,
    ):
        assert target_of(bare, first)["rests_until"] is None
        dialog = pbx.dial()
        asked_at = time.monotonic()
        first.refuse(first.invite(), 503, headers="Retry-After: 3 (maintenance);duration=60\r\n")
        second.refuse(second.invite(), 486)
        pbx.ack(dialog, pbx.final(dialog))
        attempts = bare.record(dialog.call_id)["attempts"]
        assert attempts[0]["next"] == "503: the carrier failed; it asks for 3 s without calls"
        assert target_of(bare, first)["rests_until"] is not None
        assert any("rests for" in line for line in carriers_in_words(bare.settings))

        calls = 0
        while time.monotonic() < asked_at + 2.2 and calls < 20:
            # Several workers take these calls, and none of them goes to the first carrier.
            first.poll()
            heard, before = len(first.received), len(second.received)
            dialog = pbx.dial()
            second.refuse(second.invite(after=before), 486)
            pbx.ack(dialog, pbx.final(dialog))
            first.poll()
            assert len(first.received) == heard
            calls += 1
        assert calls >= 3

        time.sleep(max(0.0, asked_at + 3.2 - time.monotonic()))
        assert target_of(bare, first)["rests_until"] is None
        heard = len(first.received)
        dialog = pbx.dial()
        first.refuse(first.invite(after=heard), 486)
        pbx.ack(dialog, pbx.final(dialog))


def test_when_all_rest_they_are_called_all_the_same(bare: LiveNode, pbx: Pbx) -> None:
    with PlayedCarrier(bare, Priority=1) as first, PlayedCarrier(bare, "127.0.7.4", Priority=2) as second:
        for _ in range(2):
            heard = [len(first.received), len(second.received)]
            dialog = pbx.dial()
            for carrier, before in zip((first, second), heard, strict=True):
                carrier.refuse(carrier.invite(after=before), 503, headers="Retry-After: 60\r\n")
            answer = pbx.final(dialog)
            pbx.ack(dialog, answer)
            assert answer.sip_status == 503
            time.sleep(LOOK_EVERY + 0.01)  # one that knows of the first alone would call the second


@pytest.mark.parametrize(("status", "header"), [(500, "60"), (503, None), (503, "0")])
def test_what_is_no_such_wish(bare: LiveNode, pbx: Pbx, status: int, header: str | None) -> None:
    with PlayedCarrier(bare, Priority=1) as first, PlayedCarrier(bare, "127.0.7.4", Priority=2) as second:
        for _ in range(2):
            heard = [len(first.received), len(second.received)]
            dialog = pbx.dial()
            headers = "" if header is None else f"Retry-After: {header}\r\n"
            first.refuse(first.invite(after=heard[0]), status, headers=headers)
            second.refuse(second.invite(after=heard[1]), 486)
            pbx.ack(dialog, pbx.final(dialog))
        assert target_of(bare, first)["rests_until"] is None
