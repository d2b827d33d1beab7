"""SIP over TCP and WebSocket: whatever way the segments come, the same messages."""

from __future__ import annotations

import random
import struct

import pytest
from capture_builders import A, B, frame, hep3, ip4, pcap, read, response, sip, tcp

from trunkline.analyzer.limits import Limits

MESSAGES = [sip("INVITE", b"v=0\r\n" * 60, call_id="1"), sip("ACK", call_id="2"), sip("BYE", b"x" * 900, call_id="3")]
STREAM = b"".join(MESSAGES)


def messages(*segments, begin=None, limits=None):
    """Messages of segments (offset, bytes); `begin`: sequence number of the SYN ahead of them."""
    frames = [tcp(b"", begin, 2)] if begin is not None else []
    first = (begin or 0) + 1
    frames += [tcp(data, first + offset) for offset, data in segments]
    capture, _ = read(pcap(frames), limits=limits)
    return capture.messages


def cut(stream, size):
    return [(at, stream[at : at + size]) for at in range(0, len(stream), size)]


@pytest.mark.parametrize("size", [1, 7, 100, 536, 5000])
def test_one_message_over_many_segments_and_many_in_one(size):
    assert [message.data for message in messages(*cut(STREAM, size), begin=1000)] == MESSAGES


def test_the_place_is_the_frame_with_the_last_byte():
    found = messages(*cut(MESSAGES[0], 100), begin=5)
    count = len(cut(MESSAGES[0], 100))
    assert found[0].place.frame == count + 1
    assert found[0].frames == tuple(range(2, count + 2))
    assert found[0].time == pytest.approx(1_700_000_000 + count * 0.02)
    assert (found[0].src, found[0].dst, found[0].transport, found[0].wire_length) == (A, B, "tcp", None)


@pytest.mark.parametrize("seed", range(8))
def test_disorder_retransmissions_and_overlaps(seed):
    dice = random.Random(seed)
    segments = cut(STREAM, 120)
    for _ in range(10):
        at = dice.randrange(len(STREAM))
        segments.append((at, STREAM[at : at + dice.randrange(1, 400)]))
    dice.shuffle(segments)
    found = messages(*segments, begin=dice.choice([0, 0xFFFFFE00, 0x7FFFFFF0]))
    assert [message.data for message in found] == MESSAGES


def test_a_capture_that_begins_in_the_middle_of_a_message():
    tail = b"n\r\nContent-Length: 3\r\n\r\nabc"
    assert [m.data for m in messages((500, tail + STREAM))] == MESSAGES
    assert [m.data for m in messages((500, tail), (500 + len(tail), STREAM))] == MESSAGES


def test_a_lost_segment_costs_what_was_in_it():
    parts = cut(STREAM, 150)
    kept = [part for part in parts if part[0] != 150]
    found = messages(*kept, begin=9)
    assert [m.data for m in found if not m.truncated] == MESSAGES[1:]
    assert [m.data for m in found if m.truncated] == [STREAM[:150]]


def test_a_segment_that_the_capture_cut():
    data = sip("INVITE", b"x" * 200)
    packets = [tcp(data, 1), tcp(sip("BYE"), 1 + len(data))]
    capture, _ = read(pcap([packets[0][:-50], packets[1]], wires=[len(packets[0]), len(packets[1])]))
    assert [(m.truncated, m.data[:3]) for m in capture.messages] == [(True, b"INV"), (False, b"BYE")]


def test_a_message_without_its_end_is_truncated():
    found = messages((0, STREAM[: len(MESSAGES[0]) + 30]), begin=1)
    assert [(m.truncated, len(m.data)) for m in found] == [(False, len(MESSAGES[0])), (True, 30)] or len(found) == 1


def test_keep_alives_and_missing_content_length():
    bare = sip("OPTIONS", length=False)
    stream = b"\r\n\r\n" + bare + b"\r\n" + MESSAGES[1] + b"\r\n\r\n"
    assert [m.data.rstrip() for m in messages((0, stream), begin=1)] == [bare.rstrip(), MESSAGES[1].rstrip()]


def test_a_wrong_content_length_does_not_lose_the_next_messages():
    wrong = sip("INFO", b"abc").replace(b"Content-Length: 3", b"Content-Length: 1")
    found = messages((0, wrong + MESSAGES[0]), (len(wrong + MESSAGES[0]), MESSAGES[1]), begin=1)
    assert [m.data for m in found][1:] == MESSAGES[:2]


def test_ports_used_again():
    first, second = MESSAGES[1], MESSAGES[2]
    frames = [tcp(b"", 100, 2), tcp(first, 101), tcp(b"", 9_000_000, 2), tcp(second, 9_000_001)]
    assert [m.data for m in read(pcap(frames))[0].messages] == [first, second]


def test_a_new_connection_after_one_whose_beginning_was_not_captured():
    first, second = MESSAGES[1], MESSAGES[2]
    frames = [tcp(first, 50), tcp(b"", 9_000_000, 2), tcp(second, 9_000_001)]
    assert [m.data for m in read(pcap(frames))[0].messages] == [first, second]


def test_a_syn_behind_its_data():
    frames = [tcp(MESSAGES[1], 101), tcp(b"", 100, 2), tcp(MESSAGES[2], 101 + len(MESSAGES[1]))]
    assert [m.data for m in read(pcap(frames))[0].messages] == MESSAGES[1:]


def test_the_limit_of_connections():
    frames = [tcp(MESSAGES[1], 1, 0x18, ("192.0.2.1", port)) for port in range(2000, 2010)]
    capture, _ = read(pcap(frames), limits=Limits(tcp_flows=4))
    assert len(capture.messages) == 4
    assert "TCP connections" in capture.damage[0].what


def test_other_protocols_are_left_alone():
    for stream in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"SSH-2.0-x\r\n", bytes(range(256)) * 400):
        assert messages(*cut(stream, 300), begin=1) == []


def test_connections_that_nobody_reads_cost_little_and_may_begin_anew():
    """Over more than a chunk: the columns leave out what was ignored, SIP beside it is found, and a new SYN counts."""
    client, server = ("192.0.2.1", 40000), ("198.51.100.7", 443)
    web = [tcp(bytes(20), 1 + 20 * n, 0x10, client, server) for n in range(5000)]
    first = pcap([*web * 28, tcp(MESSAGES[1], 1), tcp(b"", 9_000_000, 2, client, server)])
    second = pcap([tcp(MESSAGES[2], 9_000_001, 0x18, client, server)], times=[1_700_009_999])
    capture, _ = read(first, second)
    assert [(m.data, m.src) for m in capture.messages] == [(MESSAGES[1], A), (MESSAGES[2], client)]


def test_slow_bytes_do_not_cost_quadratic_time():
    head = b"INVITE sip:a@b SIP/2.0\r\nSubject: " + b"x" * 30_000
    assert len(messages(*cut(head, 2), begin=1)) == 1


def test_the_buffer_has_a_limit():
    far = [(100 + at * 1000, b"y" * 1000) for at in range(50)]
    found = messages(
        (0, MESSAGES[1]),
        *[(len(MESSAGES[1]) + at, data) for at, data in far],
        begin=1,
        limits=Limits(tcp_buffer_bytes=8000),
    )
    assert [m.data for m in found] == [MESSAGES[1]]


def ws(payload, opcode=1, *, mask=b"", last=True):
    size = len(payload)
    head = bytes([(0x80 if last else 0) | opcode])
    bit = 0x80 if mask else 0
    head += bytes([bit | size]) if size < 126 else bytes([bit | 126]) + struct.pack(">H", size)
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload
    return head + mask + body


UPGRADE = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n\r\n"


@pytest.mark.parametrize("ahead", [b"", UPGRADE, b"HTTP/1.1 101 Switching\r\nupgrade: WebSocket\r\n\r\n"])
@pytest.mark.parametrize("mask", [b"", b"\x11\x22\x33\x44"])
def test_websocket(ahead, mask):
    stream = ahead + ws(MESSAGES[0], mask=mask) + ws(b"", 9, mask=mask) + ws(b"\r\n\r\n", mask=mask)
    half = len(MESSAGES[2]) // 2
    stream += ws(MESSAGES[2][:half], 2, mask=mask, last=False) + ws(MESSAGES[2][half:], 0, mask=mask)
    for size in (50, 5000):
        found = messages(*cut(stream, size), begin=1)
        # Without the handshake, a first segment must hold enough of a frame to tell it by.
        if ahead or size > 1000:
            assert [(m.data, m.transport) for m in found] == [(MESSAGES[0], "ws"), (MESSAGES[2], "ws")]


def test_hep_over_tcp():
    stream = hep3(MESSAGES[0]) + hep3(response())
    capture, _ = read(pcap([tcp(data, 1 + at) for at, data in cut(stream, 99)]))
    assert [(m.data, m.source, str(m.src)) for m in capture.messages] == [
        (MESSAGES[0], "hep", "203.0.113.1:5062"),
        (response(), "hep", "203.0.113.1:5062"),
    ]


def test_both_directions_and_udp_beside():
    frames = [
        tcp(b"", 1, 2),
        tcp(b"", 50, 0x12, B, A),
        tcp(MESSAGES[1], 2),
        tcp(response(), 51, 0x18, B, A),
        frame(sip()),
    ]
    capture, _ = read(pcap(frames))
    assert [(m.src, m.transport) for m in capture.messages] == [(A, "tcp"), (B, "tcp"), (A, "udp")]
    assert [(f.kind, f.payload_before) for f in capture.tcp] == [("syn", False), ("syn_ack", False)]


def test_fragments_of_segments():
    segment = tcp(MESSAGES[0], 1)[34:]
    parts = [ip4(segment[:400], protocol=6, place=0x2000), ip4(segment[400:], protocol=6, place=50)]
    capture, _ = read(pcap(parts, 101))
    assert [(m.data, m.ip_fragments, m.frames) for m in capture.messages] == [(MESSAGES[0], 2, (1, 2))]
