"""SIP by its content on any port, what else is spoken there, and what goes on to the media."""

from __future__ import annotations

import struct

import pytest
from capture_builders import A, B, Sink, ether, frame, ip4, pcap, read, response, rtp, sip

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.read.files import read_files
from trunkline.analyzer.read.flows import FlowNumbers
from trunkline.analyzer.read.sip_start import content_length, find_start, sip_start

STUN = struct.pack(">HHI", 1, 0, 0x2112A442) + bytes(12)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"INVITE sip:a@b SIP/2.0\r\n", 0),
        (b"\r\n\r\nINVITE tel:+1 SIP/2.0\r\n", 4),
        (b"SIP/2.0 200 OK\r\n", 0),
        (b"SIP/2.0 100 \r\n", 0),
        (b"!x-y_z sips:a@b SIP/2.0\n", 0),
        (b"SIP/2.0 2x0 OK\r\n", -1),
        (b"INVITE a@b SIP/2.0\r\n", -1),
        (b"INVITE sip:a@b\r\n", -1),
        (b"NOTIFY * HTTP/1.1\r\n", -1),
        (b"Via: SIP/2.0/UDP a:1\r\n", -1),
        (b"IN(VITE sip:a@b SIP/2.0\r\n", -1),
        (b"INVITE sip:" + b"a" * 20_000, -1),
        (b"\r\n" * 9000, -1),
        (b"", -1),
    ],
)
def test_start_lines(data, offset):
    assert sip_start(data) == offset


def test_the_next_start_line():
    data = b"junk\r\nVia: SIP/2.0/UDP a\r\n\r\nabcBYE sip:a@b SIP/2.0\r\nl: 0\r\n\r\n" + response()
    first = find_start(data, 0)
    assert data[first:].startswith(b"BYE sip:")
    assert data[find_start(data, first + 4) :] == response()
    assert find_start(data, len(data) - 50) == -1


@pytest.mark.parametrize(
    ("head", "value"),
    [
        (b"A b SIP/2.0\r\nContent-Length: 5\r\nX: 1", 5),
        (b"A b SIP/2.0\r\nCONTENT-LENGTH \t:  7", 7),
        (b"A b SIP/2.0\r\nl:3", 3),
        (b"A b SIP/2.0\r\nLocation: 3\r\nl: 4", 4),
        (b"A b SIP/2.0\r\nContent-Length: x", None),
        (b"A b SIP/2.0\r\nContent-Length: 99999999999999999999", None),
        (b"A b SIP/2.0\r\nX: 1", None),
    ],
)
def test_content_length(head, value):
    assert content_length(head) == value


def test_what_is_behind_the_body_is_trailing():
    capture, _ = read(pcap([frame(sip(body=b"abc") + sip("BYE")), frame(sip(body=b"abc", length=False))]))
    assert [(m.data, m.trailing) for m in capture.messages] == [
        (sip(body=b"abc"), sip("BYE")),
        (sip(body=b"abc", length=False), b""),
    ]


def test_what_does_not_belong_on_a_port_of_sip():
    frames = [
        frame(b"GARBAGE / 1\r\n"),
        frame(sip()),
        frame(b"\r\n\r\n"),
        frame(b"\0"),
        frame(STUN),
        frame(rtp()),
        frame(b"\x7fjunk"),
        frame(b"text elsewhere", ("192.0.2.1", 9), ("192.0.2.2", 99)),
    ]
    capture, rows = read(pcap(frames))
    assert [(m.data, m.place.frame, m.src, m.wire_length) for m in capture.not_sip] == [
        (b"GARBAGE / 1\r\n", 1, A, 13),
        (b"\x7fjunk", 7, A, 5),
    ]
    assert [row[1] for row in rows] == [5, 6, 8]
    assert capture.files[0].unread == {"sip keep-alive": 2}


def test_a_cut_start_line_is_no_junk():
    whole = frame(sip("OPTIONS"))
    capture, rows = read(pcap([frame(sip()), whole[:60]], wires=[len(frame(sip())), len(whole)]))
    assert (len(capture.messages), capture.not_sip, rows) == (1, [], [])


def test_services_are_no_media_unless_they_are():
    ntp = frame(b"\x1b" + bytes(47), ("192.0.2.1", 123), ("192.0.2.2", 123))
    media = frame(rtp(), ("192.0.2.1", 1900), ("192.0.2.2", 5353))
    capture, rows = read(pcap([ntp, media]))
    assert [row[1] for row in rows] == [2]
    assert capture.files[0].unread == {"ntp": 1}


def test_sip_inside_sctp():
    data = sip()
    chunk = struct.pack(">BBHIHHI", 0, 3, 16 + len(data), 1, 0, 0, 0) + data + bytes(-len(data) % 4)
    packet = struct.pack(">HHII", 5060, 5080, 1, 0) + struct.pack(">BBH", 3, 0, 16) + bytes(12) + chunk
    message = read(pcap([ether(ip4(packet, protocol=132))]))[0].messages[0]
    assert (message.data, message.transport, message.src, message.dst) == (data, "sctp", A, B)


def test_columns_of_a_large_file_are_right():
    """More frames than a chunk, in several flows: every row is where it was, and its flow is the right one."""
    kinds = [(("10.0.0.1", 4000 + n), ("10.0.1.1", 6000 + n)) for n in range(40)]
    frames = [frame(rtp(n, 8), *kinds[n * 7 % 40], number=n & 0xFFFF, tos=184) for n in range(1000)]
    file = pcap([*frames * 140, frame(sip())])
    tables = []

    class Columns(Sink):
        def take(self, table, flows):
            tables.append((table.frame.copy(), table.flow.copy(), table.ip_id.copy(), set(table.dscp.tolist())))
            keys[:] = flows.keys

    keys = []
    capture = Capture()
    read_files([file], capture, Limits(), Columns())
    assert [len(table[0]) for table in tables] == [131_072, 140_000 - 131_072]
    frame_numbers = [number for table in tables for number in table[0].tolist()]
    assert frame_numbers == list(range(1, 140_001))
    assert all(table[3] == {46} for table in tables)
    place = 0
    for _, flow, ip_id, _ in tables:
        for number, one in zip(flow[::97].tolist(), ip_id[::97].tolist(), strict=True):
            (src, sport), (dst, dport) = kinds[place % 1000 * 7 % 40]
            assert keys[number] == (src, sport, dst, dport)
            assert one == place % 1000
            place += 97
        place = 131_072
    assert len(capture.messages) == 1


def test_flows_are_numbered_by_appearance_and_limited():
    frames = [frame(rtp(n), ("10.0.0.1", 4000 + n), B) for n in (3, 1, 2, 3)]
    _, rows = read(pcap(frames))
    assert [row[3][1] for row in rows] == [4003, 4001, 4002, 4003]
    numbers = FlowNumbers(2)
    assert [numbers.one("a", n, "b", 1) for n in (1, 2, 3, 2)] == [0, 1, -1, 1]
    capture, rows = read(pcap([frame(rtp(), ("10.0.0.1", n), B) for n in range(1024, 1124)]), limits=Limits(streams=10))
    assert len(rows) == 30
    assert any("UDP endpoints" in damage.what for damage in capture.damage)
