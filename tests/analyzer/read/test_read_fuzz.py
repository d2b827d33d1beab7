"""Hostile input: real captures with bytes changed. No traceback, no hang, limits hold.

`TRUNKLINE_FUZZ_READ=20000` runs as many mutations instead of 300.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from byte_mutations import mutated
from capture_builders import Sink, ether, frame, hep3, ip4, netmon, pcap, section, sip, tcp
from test_read_formats import FILES as FORMATS
from test_read_links import SIX, WAYS

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.read.files import read_files
from trunkline.analyzer.read.unreadable import UnreadableInput

CAPTURES = Path(__file__).parents[3].parent / "shared" / "captures"
COUNT = int(os.environ.get("TRUNKLINE_FUZZ_READ", "300"))
LIMITS = Limits(unpacked_bytes=4 << 20, packets=20_000, messages=2000, streams=500, fragments=200, tcp_flows=200)
LONGEST_S = 5.0
LARGEST = 60_000
"""Bytes of a seed."""
WORDS = [
    b"\0",
    b"\xff",
    b"\xff" * 4,
    b"\0" * 4,
    b"\x7f\xff\xff\xff",
    b"SIP/2.0",
    b"\r\n\r\n",
    b"HEP3",
    b"\x45",
    b"\xc0\x0c",
]


def seeds():
    """Real captures, and built ones for what those do not have."""
    real = [path.read_bytes() for path in sorted(CAPTURES.rglob("*.pcap*"))]
    links = [pcap([wrap(sip()), wrap(sip("BYE"))], link) for link, wrap in [*WAYS.values(), *SIX.values()]]
    segments = [tcp(data, 1) for data in (sip(body=b"x" * 500), b"\x16\3\1\0\x40" + bytes(range(64)), hep3(sip()))]
    more = [pcap(segments), netmon([frame(sip())] * 3), hep3(sip()) * 3, section() * 3]
    return real + list(FORMATS.values()) + links + more


def survive(data):
    """Seconds that it took. Raises whatever is no clear refusal."""
    began = time.perf_counter()
    capture = Capture()
    try:
        read_files([("fuzz", data)], capture, LIMITS, Sink())
    except UnreadableInput as error:
        one_line = "\n" not in str(error)
    else:
        one_line = True
    assert one_line
    assert len(capture.messages) <= LIMITS.messages
    assert all(len(message.data) <= LIMITS.message_bytes for message in capture.messages)
    assert len(capture.damage) < 50
    return time.perf_counter() - began


@pytest.mark.skipif(not CAPTURES.exists(), reason=f"no captures at {CAPTURES}: only built files are mutated")
def test_the_seeds_are_real():
    assert len(list(CAPTURES.rglob("*.pcap*"))) > 5


def test_mutated_captures():
    inputs = seeds()
    slowest = 0.0
    for number in range(COUNT):
        dice = random.Random(number)
        data = mutated(dice.choice(inputs)[:LARGEST], dice, WORDS, rounds=(1, 2, 5, 20), at_head=0.3)
        try:
            slowest = max(slowest, survive(data))
        except Exception as error:
            raise AssertionError(f"mutation {number}: {error!r}") from error
    assert slowest < LONGEST_S


def test_many_small_fragments():
    frames = [ether(ip4(b"x" * 8, number=1, place=0x2000 | dice)) for dice in range(2000)] * 5
    assert survive(pcap(frames)) < LONGEST_S


def test_many_holes_in_a_stream():
    frames = [tcp(b"y", 5 + 2 * at) for at in range(10_000)]
    assert survive(pcap([tcp(b"x", 1), *reversed(frames)])) < LONGEST_S


def test_one_byte_at_a_time():
    text = b"\r\nINVITE sip:a@b SIP/2.0\r\n" + b"Via: SIP/2.0 \n" * 1000
    assert survive(pcap([tcp(text[at : at + 1], 1 + at) for at in range(len(text))])) < LONGEST_S


def test_many_start_lines_without_an_end():
    text = b"INVITE sip:a@b SIP/2.0\r" * 3000
    assert survive(pcap([tcp(text[at : at + 1400], 1 + at) for at in range(0, len(text), 1400)])) < LONGEST_S
