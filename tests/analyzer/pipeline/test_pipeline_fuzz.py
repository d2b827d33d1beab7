"""Hostile input through the whole pipeline: read, build, judge, report. No traceback, no hang, no flood of memory.

`make fuzz` (TRUNKLINE_FUZZ=20000) runs as many mutations instead of 300; TRUNKLINE_FUZZ_FROM starts at another seed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import resource
import signal
import struct
import sys
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from byte_mutations import mutated

from trunkline.analyzer.analysis import analyze
from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.trace import Options
from trunkline.analyzer.read.unreadable import UnreadableInput
from trunkline.analyzer.redact import Redactor
from trunkline.analyzer.report.html import page
from trunkline.analyzer.report.json_report import dumps
from trunkline.analyzer.report.mermaid import diagrams
from trunkline.analyzer.report.paint import Paint
from trunkline.analyzer.report.terminal import render

TESTS = Path(__file__).parents[2]
CAPTURES = TESTS.parent.parent / "shared" / "captures"
COUNT = int(os.environ.get("TRUNKLINE_FUZZ") or "300")
FIRST = int(os.environ.get("TRUNKLINE_FUZZ_FROM") or "0")
LIMITS = Limits(unpacked_bytes=4 << 20)
LONGEST_S = 5
MEMORY_BYTES = 1 << 30
LARGEST = 120_000
"""Bytes of an input: what is behind is cut, so that 20,000 of them take minutes."""
WORDS = [
    b"\0",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\r\n",
    b"\r\n\r\n",
    b"\n ",
    b" ",
    b":",
    b";",
    b",",
    b'"',
    b"<",
    b">",
    b"=",
    b"%",
    b"-1",
    b"4294967296",
    b"9" * 40,
    b"1e999",
    b"\xd9\xa3",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    b"<script>",
    b"]]>",
    b"SIP/2.0 200 OK\r\n",
    b"INVITE sip:a@b SIP/2.0\r\n",
    b"m=audio 0 RTP/AVP 0\r\n",
    b"c=IN IP4 0.0.0.0\r\n",
    b"a=rtpmap:0 PCMU/0\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"CSeq: 1 INVITE\r\n",
]
SETTINGS = [
    Options(),
    Options(),
    Options(provider="twilio", own_numbers=("+15551230001",)),
    Options(provider="trunkline", pbx="kamailio"),
    Options(pbx="asterisk", passwords={"voi18062": "x", "1001": "y"}),
]


class TooSlow(Exception):
    """Longer than `LONGEST_S`."""


@contextmanager
def at_most(seconds):
    """Ends the block by an exception, so that the seed of a hang is known. CPU time: the machine is shared."""

    def late(*_):
        raise TooSlow(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def torture():
    """The messages of RFC 4475, as tests/live sends them."""
    path = TESTS / "live" / "torture_messages.py"
    name = "torture_messages"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].torture("203.0.113.9")


def datagrams(payloads, apart=0.01, ports=(5060, 5060)):
    """A pcap of raw IPv4 and UDP: one packet for each payload, both ways by turns."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)]
    ends = [bytes([192, 0, 2, 1]), bytes([203, 0, 113, 9])]
    for number, payload in enumerate(payloads):
        reply = payload.startswith(b"SIP/2.0")
        source, target = (ends[1], ends[0]) if reply else (ends[0], ends[1])
        udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0) + source + target
        at = 1_700_000_000_000_000 + int(number * apart * 1e6)
        out.append(struct.pack("<IIII", at // 1_000_000, at % 1_000_000, 20 + len(udp), 20 + len(udp)) + ip + udp)
    return b"".join(out)


def seeds():
    """Real captures and logs, and the torture messages."""
    real = [path.read_bytes()[:LARGEST] for path in sorted(CAPTURES.rglob("*")) if path.is_file()]
    messages = [one.message for one in torture()]
    return [*real, datagrams(messages), b"\n\n".join(messages)]


def survive(sources, options=None, limits=LIMITS, seconds=LONGEST_S):
    """The analysis, or None for a clear refusal. All reports are written."""
    with at_most(seconds):
        refused = ""
        try:
            analysis = analyze(sources, options, limits)
        except UnreadableInput as error:
            refused = str(error)
        assert "\n" not in refused
        if refused:
            return None
        broken = [one.what for one in analysis.trace.capture.damage if one.what.startswith("rule ")]
        assert not broken, broken
        json.loads(dumps(analysis))
        html = page(analysis)
    return analysis, html


def survive_all_reports(sources, options=None):
    """As `survive`, and: the page is well-formed XML, and the redacted and the other reports come out too."""
    done = survive(sources, options)
    if done is None:
        return
    analysis, html = done
    with at_most(LONGEST_S):
        ET.fromstring(html.partition("\n")[2])
        render(analysis, Paint(True, 80))
        diagrams(analysis)
        page(Redactor(analysis.trace).analysis(analysis))


@pytest.mark.skipif(not CAPTURES.exists(), reason=f"no captures at {CAPTURES}: only RFC 4475 is mutated")
def test_the_seeds_of_the_pipeline_are_real():
    assert len([path for path in CAPTURES.rglob("*") if path.is_file()]) > 10


@pytest.mark.timeout(120 + COUNT)
def test_mutations_of_captures_and_logs():
    inputs = seeds()
    for number in range(FIRST, FIRST + COUNT):
        dice = random.Random(number)
        data = mutated(dice.choice(inputs), dice, WORDS, rounds=(1, 1, 2, 5, 20, 60), at_head=0.15)
        options = dice.choice(SETTINGS)
        try:
            if number % 10:
                survive([data], options)
            else:
                survive_all_reports([data], options)
        except Exception as error:
            raise AssertionError(f"mutation {number}: {error!r}") from error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MEMORY_BYTES


def test_torture_messages_of_rfc_4475_in_a_capture():
    messages = [one.message for one in torture()]
    analysis, _ = survive([datagrams(messages)])
    assert len(analysis.trace.messages) >= len(messages) - 6  # some have no start line that anybody would know
    survive_all_reports([datagrams(messages)])


@pytest.mark.parametrize("one", torture(), ids=lambda one: one.name)
def test_each_torture_message_alone(one):
    survive_all_reports([datagrams([one.message])])
    survive_all_reports([one.message])
