"""The faults that the simulated PBX can play, with real packets: the analyzer finds each in the capture of its run."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from live_node import LiveNode

from trunkline.analyzer import analyze
from trunkline.analyzer.model.trace import Options

pytestmark = pytest.mark.live

ECHO, TONE = "+15550100000", "+15550100440"
FOUND = {
    "lost-ack": {"DLG-01"},
    "private-sdp": {"SDP-01"},
    "private-contact": {"NAT-03"},
    "dtmf-wrong-payload-type": {"DTMF-04"},
    "dtmf-in-band": {"DTMF-01", "DTMF-03"},
    "dtmf-info": {"DTMF-02"},
    "one-way-rtp": {"MEDIA-02", "MEDIA-06"},
    "rtp-other-port": {"MEDIA-04"},
    "malformed-sdp": {"SDP-07"},
    "loss=10": {"QUAL-01"},
    "jitter=200": {"QUAL-02"},
}
"""Fault to what must be found; one of them is enough."""


def captured(node: LiveNode, fault: str, capture: Path) -> bytes:
    """The packets of a call with this fault, as if both sides were on the Internet: what is private on loopback is so
    for everybody, and no fault."""
    argv = [sys.executable, "-m", "trunkline.cli.main", "call", TONE if fault == "one-way-rtp" else ECHO]
    argv += ["--home", str(node.settings.home), "--fault", fault, "--capture", str(capture)]
    argv += ["--seconds", "5" if fault == "one-way-rtp" else "2.5"]
    if fault.startswith("dtmf"):
        argv += ["--digits", "159"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)
    assert capture.exists(), done.stderr
    return capture.read_bytes().replace(b"127.0.0.1", b"198.9.9.1").replace(b"\x7f\x00\x00\x01", b"\xc6\x09\x09\x01")


@pytest.mark.timeout(300)
def test_each_fault_is_found_in_its_capture(node: LiveNode, tmp_path: Path) -> None:
    faults = [*FOUND, "none"]
    with ThreadPoolExecutor(4) as pool:
        captures = list(pool.map(lambda fault: captured(node, fault, tmp_path / f"{fault}.pcap"), faults))
    missed = {}
    for fault, capture in zip(faults, captures, strict=True):
        rules = {f.rule for f in analyze(capture, Options(provider="trunkline")).findings if f.severity != "info"}
        if fault == "none":
            assert rules == set(), "a run without a fault"
        elif not FOUND[fault] & rules:
            missed[fault] = rules
    assert missed == {}
