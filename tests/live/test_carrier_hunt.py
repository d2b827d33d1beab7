"""Which carrier a call goes to: rates, calls per second and at a time, the time for the setup."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_node import LiveNode, LiveTrunk
from played_carriers import Pbx, PlayedCarrier
from raw_trunk import errors_logged

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
