"""Hostile input: whatever the messages are, a trace comes out, in time."""

from __future__ import annotations

import random
import time

import pytest
from call_ladder import Ladder, sdp

from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.model.capture import Capture, Endpoint, Place, RawMessage
from trunkline.analyzer.model.stream import Media
from trunkline.analyzer.model.trace import Options

PIECES = (
    b"\r\n",
    b"\n",
    b"\0",
    b":",
    b";",
    b",",
    b'"',
    b"<",
    b">",
    b"=",
    b"\xff\xfe",
    b" ",
    b"SIP/2.0 ",
    b"z9hG4bK",
    b"",
)


def mutated(raw, dice):
    data = bytearray(raw.data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data) + 1)
        data[at : at + dice.choice((0, 0, 1, 5, 60))] = dice.choice(PIECES)
    ends = [raw.src, raw.dst, None, Endpoint("fe80::1", 0)]
    at = None if dice.random() < 0.1 else raw.time + dice.choice((0, 0, -5, 1e6))
    return RawMessage(bytes(data), Place(dice.randrange(3), 1), at, dice.choice(ends), dice.choice(ends), raw.transport)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_calls_never_raise(seed):
    dice = random.Random(seed)
    ladder = Ladder()
    for name in "abc":
        leg = ladder.leg(name, ("192.168.1.5", 5060), ("54.172.60.1", 5060), headers="X-CID: a\r\nSession-ID: x\r\n")
        leg.call(dice.random(), offer=sdp("192.168.1.5", 10000), answer=sdp("198.51.100.8", 20000))
    messages = [mutated(dice.choice(ladder.raw), dice) for _ in range(60)]
    trace = build_trace(Capture(messages=messages), Media(), Options())
    assert len(trace.messages) == 60
    assert {id(m) for d in trace.dialogs for m in d.messages} <= {id(m) for m in trace.messages}
    assert [call.id for call in trace.calls] == [f"c{number}" for number in range(1, len(trace.calls) + 1)]


def _cost(count):
    ladder = Ladder()
    for number in range(count):
        # All with the same numbers at the same time: the worst case for joining legs.
        ladder.leg(f"i{number}", ("192.168.1.20", 5060), ("192.168.1.5", 5060)).request(number * 1e-4, "INVITE")
        ladder.leg(f"o{number}", ("192.168.1.5", 5060), ("198.51.100.7", 5060)).request(number * 1e-4 + 1e-5, "INVITE")
    started = time.process_time()
    trace = ladder.trace()
    assert len(trace.calls) >= count
    return time.process_time() - started


def test_the_cost_grows_with_the_messages_and_not_with_their_square():
    _cost(100)
    small, large = min(_cost(500) for _ in range(2)), _cost(4000)
    assert large < small * 8 * 3


def test_one_call_id_for_everything_is_slow_for_nobody():
    ladder = Ladder()
    for number in range(3000):
        leg = ladder.leg("same", ("192.168.1.5", 1024 + number), (f"198.51.{number % 200}.7", 5060))
        leg.request(number * 0.01, "INVITE", number, branch=str(number), ftag=f"f{number}")
    started = time.process_time()
    ladder.trace()
    assert time.process_time() - started < 10
