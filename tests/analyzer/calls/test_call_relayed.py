"""Legs that only their audio joins: what goes in on the one comes out on the other."""

from __future__ import annotations

import random

import pytest
from call_ladder import Ladder, sdp

from trunkline.analyzer.model.capture import Endpoint, Place
from trunkline.analyzer.model.stream import Media, Stream

PHONE, PBX, TRUNK, OUTSIDE = (
    ("192.168.1.20", 5062),
    ("192.168.1.5", 5060),
    ("198.51.100.7", 5060),
    ("203.0.113.5", 5060),
)


def audio(seed, late=0.0, count=100):
    """Payloads of one speaker, eight a second from the second second on."""
    dice = random.Random(seed)
    return {dice.randrange(65_536) | 1: 6.0 + at / 8 + late for at in range(count)}


def stream(src, dst, fingerprint):
    ends, place = (Endpoint(*src), Endpoint(*dst)), Place(0, 1)
    made = Stream(len(fingerprint), *ends, 6.0, 18.0, place, place, 600, 600 * 160, 0, {0: 600})
    made.fingerprint = fingerprint
    return made


def two_legs(pbx_out=PBX, apart=20.0):
    """PHONE calls a menu on the PBX, which calls out later: other numbers, and no answer that follows another."""
    ladder = Ladder()
    a = ladder.leg("in", PHONE, PBX, number="9", by="101")
    b = ladder.leg("out", pbx_out, TRUNK, number="+4930123", by="+4989321")
    a.request(0, "INVITE", body=sdp(PHONE[0], 4000)).answer(1, 200, body=sdp(PBX[0], 6000))
    a.request(1.1, "ACK", branch="k", tag="t")
    b.request(apart - 19.0, "INVITE", body=sdp(pbx_out[0], 6002)).answer(apart - 15, 200, body=sdp(TRUNK[0], 8000))
    b.request(apart - 14.9, "ACK", branch="k", tag="t")
    return ladder


def media(*, there=0.02, back=0.02, out=PBX, onwards=1, returned=2):
    """`onwards`, `returned`: whose voice leaves the PBX on the second and on the first leg."""
    first, second = (PBX[0], 6000), (out[0], 6002)
    phone, trunk = (PHONE[0], 4000), (TRUNK[0], 8000)
    return Media(
        [
            stream(phone, first, audio(1)),
            stream(second, trunk, audio(onwards, there)),
            stream(trunk, second, audio(2)),
            stream(first, phone, audio(returned, back)),
        ],
        captured=True,
    )


def joined(ladder, streams):
    return [tuple(dict.fromkeys(d.call_id for d in call.dialogs)) for call in ladder.trace(media=streams).calls]


def test_audio_joins_what_signalling_does_not():
    (call,) = two_legs().trace(media=media()).calls
    (reason,) = call.joined
    assert (reason.call_ids, reason.score) == (("in", "out"), 0.9)
    assert reason.why == ("100 of 100 payloads of the one come out on the other, 20 ms later",)
    assert joined(two_legs(), None) == [("in",), ("out",)]


@pytest.mark.parametrize(
    "how",
    [
        {"onwards": 7, "returned": 8},  # others speak
        {"onwards": 7, "returned": 8, "there": -3.0},
        {"there": 3.0, "back": 3.0},  # a recording that is played later
    ],
)
def test_other_audio_joins_nothing(how):
    assert joined(two_legs(), media(**how)) == [("in",), ("out",)]


def test_a_machine_with_an_address_on_each_side_needs_both_directions():
    assert joined(two_legs(OUTSIDE), media(out=OUTSIDE)) == [("in", "out")]
    assert joined(two_legs(OUTSIDE), media(out=OUTSIDE, returned=7)) == [("in",), ("out",)]
    assert joined(two_legs(), media(returned=7)) == [("in", "out")]


def test_the_same_music_for_two_callers_joins_nothing():
    """What leaves the machine on both legs went into neither."""
    streams = media(onwards=7, returned=7)
    assert joined(two_legs(), streams) == [("in",), ("out",)]


def test_nothing_is_kept_of_the_audio():
    streams = media()
    two_legs().trace(media=streams)
    assert all(one.fingerprint is None for one in streams.streams)
