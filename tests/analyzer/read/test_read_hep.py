"""HEP 2 and 3: the message inside has its own addresses, time and names."""

from __future__ import annotations

import socket
import zlib

import pytest
from capture_builders import NOW, A, frame, hep2, hep3, pcap, read, response, sip

from trunkline.analyzer.model.capture import Endpoint

INSIDE = (Endpoint("203.0.113.1", 5062), Endpoint("203.0.113.2", 5064))
COLLECTOR = ("198.51.100.7", 9060)


def captured(*payloads):
    return read(pcap([frame(payload, A, COLLECTOR) for payload in payloads]))


def test_version_3():
    more = ((17, b"call-7\0"), (19, b"edge-1"))
    capture, rows = captured(hep3(sip(), more=more))
    message = capture.messages[0]
    assert (message.data, message.source, (message.src, message.dst)) == (sip(), "hep", INSIDE)
    assert (message.time, message.transport, message.place.frame) == (NOW - 100 + 0.25, "udp", 1)
    assert (message.correlation_id, message.capture_point) == ("call-7", "edge-1")
    assert (rows, message.wire_length) == ([], None)


def test_version_3_over_tcp_and_ipv6():
    six = ((5, socket.inet_pton(socket.AF_INET6, "2001:db8::1")), (6, socket.inet_pton(socket.AF_INET6, "2001:db8::2")))
    packet = hep3(response(), protocol=6, more=six).replace(b"\0\0\0\3\0\x0a", b"\0\0\0\x63\0\x0a")
    packet = packet.replace(b"\0\0\0\4\0\x0a", b"\0\0\0\x64\0\x0a")
    message = captured(packet)[0].messages[0]
    assert (message.src, message.dst) == (("2001:db8::1", 5062), ("2001:db8::2", 5064))
    assert (message.transport, message.capture_point) == ("tcp", "2001")


def test_a_packed_payload_has_a_limit():
    assert captured(hep3(b"", more=((16, zlib.compress(sip())),)))[0].messages[0].data == sip()
    bomb = zlib.compress(sip() + bytes(50 << 20))[:60_000]
    assert len(captured(hep3(b"", more=((16, bomb),)))[0].messages[0].data) <= 256 << 10


@pytest.mark.parametrize("version", [1, 2])
def test_version_1_and_2(version):
    message = captured(hep2(sip(), version))[0].messages[0]
    assert (message.data, message.source, (message.src, message.dst)) == (sip(), "hep", INSIDE)
    assert message.time == (NOW - 100 + 0.25 if version == 2 else NOW)


def test_other_payloads_are_counted():
    capture, rows = captured(hep3(b"{}", kind=5), hep3(b"{}", kind=100), hep3(b"xyz"), b"HEP3\0\x09\0\0\0")
    assert (capture.messages, rows) == ([], [])
    assert capture.files[0].unread == {
        "hep: RTCP as JSON": 1,
        "hep: log": 1,
        "hep: SIP that is none": 1,
        "damaged HEP": 1,
    }
