"""Which carrier a call goes to: rates, calls per second and at a time, the time for the setup."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from live_node import LiveNode, LiveTrunk
from played_carriers import Pbx, PlayedCarrier
from raw_trunk import errors_logged

from trunkline.node.carrier_words import carriers_in_words

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """A node without carriers."""
    settings = {"TRUNKLINE_SETUP_SECONDS": "5"}
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
            heard, before = len(first.received), len(second.received)
            dialog = pbx.dial()
            second.refuse(second.invite(after=before), 486)
            pbx.ack(dialog, pbx.final(dialog))
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
