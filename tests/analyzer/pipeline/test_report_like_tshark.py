"""The figures of the report are those that tshark gives for the same file: real captures and a generated one."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from test_pipeline_fuzz import CAPTURES
from tshark_jitter import assert_same

from bench.big_capture import write
from trunkline.analyzer.analysis import analyze
from trunkline.analyzer.report.json_report import document

REAL = sorted(path for path in CAPTURES.rglob("*.pcap*") if "hep" not in path.name)
APART = {"duplicates", "captured_twice", "restart"}
"""Faults of the generator that tshark counts otherwise: a copy makes its loss smaller, and where a sequence begins anew
it goes on with one stream."""
NO_TSHARK = "tshark is not installed: the report is NOT compared with it"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason=NO_TSHARK)


def tshark(path, *options):
    command = ["tshark", "-r", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def sip_messages(path):
    said = tshark(path, "-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code")
    return sum(1 for part in re.split(r"[\t\n,]", said) if part)


def streams(path):
    """SSRC and ends → packets, lost, mean and highest jitter."""
    found = {}
    for line in tshark(path, "-q", "-z", "rtp,streams").splitlines():
        ends = re.match(r"\s*[\d.]+\s+[\d.]+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s+0x([0-9A-F]{8})\s+(.*)", line)
        if ends is None:
            continue
        source, source_port, target, target_port, ssrc, rest = ends.groups()
        figures = re.search(r"(\d+)\s+(-?\d+) \(.*?%\)\s+(.*)", rest)
        packets, lost, times = figures.groups()
        mean, highest = (float(text) for text in times.split()[4:6])
        key = f"0x{ssrc.lower()}", f"{source}:{source_port}", f"{target}:{target_port}"
        found[key] = int(packets), int(lost), mean, highest
    return found


def compare(path, *, apart=frozenset()):
    """Gives how many streams had comparable jitter: those of one payload type."""
    report = document(analyze(path))
    assert report["sip"]["messages"] == sip_messages(path)
    theirs = streams(path)
    compared = 0
    for stream in report["streams"]:
        key = stream["ssrc"], stream["src"], stream["dst"]
        if key not in theirs or key[0] in apart:
            continue
        packets, lost, mean, highest = theirs[key]
        assert stream["packets"] == packets, key
        assert stream["lost"] == lost, key
        if len(stream["payload_types"]) == 1 and not stream["tones"]:
            late = bool(stream["reordered"] or stream["duplicates"])
            assert_same(stream["jitter_mean_ms"], mean, some_late=late, what=key)
            assert_same(stream["jitter_max_ms"], highest, some_late=late, what=key)
            compared += 1
    assert len({(s["ssrc"], s["src"], s["dst"]) for s in report["streams"]} & set(theirs)) >= len(theirs)
    return compared


@needs_tshark
@pytest.mark.skipif(not REAL, reason=f"no captures at {CAPTURES}: NOT compared with tshark")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_report_of_real_captures(path):
    compare(path)


@needs_tshark
def test_report_of_a_generated_capture(tmp_path):
    path = tmp_path / "generated.pcap"
    calls = write(path, packets=30_000, seed=7)
    apart = {stream.ssrc for call in calls if call.fault in APART for stream in call.streams}
    assert compare(path, apart=apart) >= 20
