"""SIP messages are those that tshark sees: in the same frames, as many, in all captures of `shared`."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from capture_builders import ether, frame, ip4, pcap, sip, tcp, udp

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.read.files import read_files
from trunkline.analyzer.read.sip_start import sip_start

CAPTURES = Path(__file__).parents[3].parent / "shared" / "captures"
FILES = sorted(path for path in CAPTURES.rglob("*.pcap*") if "hep" not in path.name)


class Nothing:
    """A sink that takes all and keeps nothing."""

    def take(self, table, flows):
        assert len(table.frame) == len(table.flow) == len(table.offset)

    def finish(self):
        return None


def tshark(path):
    """Frame to number of SIP messages in it."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed: the counts of SIP messages are not compared with it")
    fields = ["-T", "fields", "-e", "frame.number", "-e", "sip.Method", "-e", "sip.Status-Code"]
    done = subprocess.run(["tshark", "-r", path, "-Y", "sip", *fields], capture_output=True, text=True, check=True)
    found = Counter()
    for line in done.stdout.splitlines():
        number, *parts = line.split("\t")
        count = sum(1 for part in ",".join(parts).split(",") if part)
        if count:
            found[int(number)] = count
    return found


def ours(path):
    capture = Capture()
    read_files([path], capture, Limits(), Nothing())
    return Counter(message.place.frame for message in capture.messages)


@pytest.mark.skipif(not FILES, reason=f"no captures at {CAPTURES}: nothing is compared with tshark")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_captures(path):
    assert ours(path) == tshark(path)


@pytest.mark.skipif(not FILES, reason=f"no captures at {CAPTURES}: nothing is compared with tshark")
def test_hep_inside_is_found_where_tshark_sees_none():
    assert sum(ours(next(CAPTURES.rglob("*.hep3.pcap"))).values()) == 60


STARTS = [
    b"INVITE sip:a@b SIP/2.0\r\n",
    b"INVITE  sip:a@b SIP/2.0\r\n",
    b"INVITE sip:a@b;x y SIP/2.0\r\n",
    b"INVITE sip:a@b SIP/2.0 \r\n",
    b"INVITE sip:a@b SIP/7.0\r\n",
    b"INVITE <sip:a@b> SIP/2.0\r\n",
    b"invite sip:a@b SIP/2.0\n",
    b"!i_.*%`'~+ sip:a@b SIP/2.0\r\n",
    b"INVITE a@b SIP/2.0\r\n",
    b"INVITE sip:a@b SIP/2.0",
    b"INVITE sip:a@b",
    b"SIP/2.0 200\r\n",
    b"SIP/2.0 200 \r\n",
    b"SIP/2.0 2000 OK\r\n",
    b"SIP/2.0  200 OK\r\n",
    b"SIP/2.0 099 OK\r\n",
    b"NOTIFY * HTTP/1.1\r\n",
]


def test_strange_start_lines(tmp_path):
    tail = b"Via: SIP/2.0/UDP a\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ends = [(("192.0.2.1", port), ("192.0.2.2", port)) for port in (5060, 7777)]
    frames = [frame(line + (tail if line[-1:] == b"\n" else b""), *pair) for line in STARTS for pair in ends]
    path = tmp_path / "strange.pcap"
    path.write_bytes(pcap(frames))
    assert ours(path) == tshark(path)


def test_tcp(tmp_path):
    stream = sip("INVITE", b"v=0\r\n" * 200) + sip("ACK") + sip("BYE", b"x" * 50)
    segments = [tcp(stream[at : at + 300], 2 + at) for at in range(0, len(stream), 300)]
    path = tmp_path / "tcp.pcap"
    path.write_bytes(pcap([tcp(b"", 1, 2), *segments, segments[1]]))
    assert ours(path) == tshark(path)


def test_a_method_may_be_as_long_as_a_fuzzer_makes_it():
    """RFC 3261 section 25.1 gives a method no length, and tshark counts such messages."""
    for length in (1, 64, 65, 5_000):
        line = b"a" * length + b" sip:x@192.0.2.1 SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"
        assert sip_start(line) == 0


@pytest.mark.parametrize("kept", [28, 40, 200, 548])
def test_messages_that_icmp_quotes_are_counted_apart(tmp_path, kept):
    """RFC 792 quotes 8 bytes of the packet, RFC 1812 section 4.3.2.3 as much as fits into 576: tshark counts these."""
    refused = b"\3\3\0\0\0\0\0\0" + ip4(udp(sip("REGISTER", b"x" * 300)))[:kept]
    port_of_nobody = b"\3\3\0\0\0\0\0\0" + ip4(udp(sip(), ("192.0.2.1", 40_000), ("198.51.100.7", 40_002)))[:kept]
    other = b"\3\3\0\0\0\0\0\0" + ip4(udp(b"GET / HTTP/1.1\r\n\r\n"))[:kept]
    path = tmp_path / "icmp.pcap"
    path.write_bytes(pcap([frame(sip()), *(ether(ip4(body, protocol=1)) for body in (refused, port_of_nobody, other))]))
    capture = Capture()
    read_files([path], capture, Limits(), Nothing())
    quoted = Counter(error.place.frame for error in capture.icmp if error.quotes_sip)
    assert ours(path) == {1: 1}
    assert ours(path) + quoted == tshark(path)
