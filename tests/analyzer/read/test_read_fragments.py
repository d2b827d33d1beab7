"""IP fragments: in any order, of both versions, with overlaps, and those of which one never came."""

from __future__ import annotations

import random
import struct

import pytest
from capture_builders import A6, B6, A, ether, frame, ip4, ip6, pcap, read, rtp, sip, udp

from trunkline.analyzer.limits import Limits

BODY = sip(body=b"v=0\r\n" * 500)


def parts4(payload, size=480, number=9):
    whole = udp(payload)
    return [
        ether(ip4(whole[at : at + size], number=number, place=at // 8 | (0x2000 if at + size < len(whole) else 0)))
        for at in range(0, len(whole), size)
    ]


def parts6(payload, size=480):
    whole = udp(payload, A6, B6)
    out = []
    for at in range(0, len(whole), size):
        head = struct.pack(">BBHI", 17, 0, at | (1 if at + size < len(whole) else 0), 77)
        out.append(ether(ip6(whole[at : at + size], first=44, extensions=head), 0x86DD))
    return out


@pytest.mark.parametrize("make", [parts4, parts6])
@pytest.mark.parametrize("seed", range(4))
def test_in_any_order(make, seed):
    frames = make(BODY)
    random.Random(seed).shuffle(frames)
    message = read(pcap(frames))[0].messages[0]
    assert message.data == BODY
    assert (message.ip_fragments, message.frames) == (len(frames), tuple(range(1, len(frames) + 1)))
    assert message.place.frame == len(frames)
    assert (message.src, message.wire_length) == (A if make is parts4 else A6, len(BODY))


def test_overlaps_are_harmless():
    frames = parts4(BODY)
    evil = ether(ip4(b"Z" * 400, number=9, place=0x2000 | 30))
    assert read(pcap([*frames[:2], evil, *frames[1:]]))[0].messages[0].data == BODY


def test_media_in_fragments_keeps_its_order():
    frames = [frame(rtp(1)), *parts4(rtp(2, 900)), frame(rtp(3))]
    _, rows = read(pcap(frames))
    assert [row[4] for row in rows] == [rtp(1), rtp(2, 900), rtp(3)]
    assert [row[1] for row in rows] == [1, 3, 4]


def test_a_missing_fragment_is_told():
    frames = parts4(BODY)
    capture, _ = read(pcap([frame(sip("OPTIONS")), frames[0], *frames[2:]]))
    assert len(capture.messages) == 1
    assert [place.frame for place in capture.lost_fragments] == [2]


def test_lost_fragments_of_others_are_not():
    other = ether(ip4(udp(b"x" * 500, ("192.0.2.9", 7), ("192.0.2.8", 7)), "192.0.2.9", "192.0.2.8", place=0x2000))
    assert read(pcap([other]))[0].lost_fragments == []


def test_the_same_number_again_after_a_while():
    late = parts4(sip("BYE", b"y" * 800))
    capture, _ = read(pcap([parts4(BODY)[0], *late], times=[1e9, *[1e9 + 100 + n for n in range(len(late))]]))
    assert [message.data for message in capture.messages] == [sip("BYE", b"y" * 800)]


def test_the_limit_of_fragments():
    frames = [parts4(BODY, number=n)[0] for n in range(100)]
    capture, _ = read(pcap([*frames, *parts4(BODY, number=500)]), limits=Limits(fragments=20))
    assert [message.data for message in capture.messages] == [BODY]
