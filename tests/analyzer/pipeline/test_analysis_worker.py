"""The analysis in a process of its own: whatever it is fed, the service gets a document or one clear error, in time."""

from __future__ import annotations

import gzip
import json
import struct
import time

import pytest
from test_pipeline_fuzz import datagrams, torture

from trunkline.analyzer.analysis import analyze
from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.trace import Options
from trunkline.analyzer.profiles.profile import load_profile
from trunkline.analyzer.report.json_report import document
from trunkline.analyzer.worker import AnalysisFailed, analyze_in_worker

CAPTURE = datagrams([one.message for one in torture()])
HANG = """
import sys, trunkline.analyzer.analysis as entry
def analyze(*_):
    {what}
entry.analyze = analyze
"""


def without_seconds(found):
    return {name: value for name, value in found.items() if name not in ("seconds", "files")}


def test_the_document_is_the_one_of_the_library(tmp_path):
    path = tmp_path / "secret-folder" / "call.pcap"
    path.parent.mkdir()
    path.write_bytes(CAPTURE)
    options = Options(profile=load_profile("twilio"), pbx="asterisk", own_numbers=("+15551230001",))
    ours = document(analyze(CAPTURE, options))
    of_bytes = analyze_in_worker(CAPTURE, options, seconds=60)
    of_path = analyze_in_worker(path, options, name="call.pcap", seconds=60)
    assert without_seconds(of_bytes) == without_seconds(of_path)
    assert of_path["findings"] == json.loads(json.dumps(ours["findings"]))
    assert of_bytes["files"][0]["name"] == "upload"
    assert of_path["files"][0]["name"] == "call.pcap"
    assert "secret-folder" not in str(of_path)


@pytest.mark.parametrize("data", [b"", b"\0\1\2\3" * 50, b"no SIP in this\n" * 20])
def test_what_nobody_can_read_is_refused_in_one_line(data):
    with pytest.raises(AnalysisFailed) as failed:
        analyze_in_worker(data, seconds=60)
    assert failed.value.reason == "unreadable"
    assert "\n" not in str(failed.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(AnalysisFailed) as failed:
        analyze_in_worker(tmp_path / "none.pcap", name="none.pcap", seconds=60)
    assert failed.value.reason == "unreadable"
    assert str(tmp_path) not in str(failed.value)


def test_a_decompression_bomb_is_contained():
    bomb = gzip.compress(bytes(600 << 20), 1)
    began = time.monotonic()
    with pytest.raises(AnalysisFailed) as failed:
        analyze_in_worker(bomb, limits=Limits(unpacked_ratio=1 << 30), seconds=40, memory_mb=400)
    assert failed.value.reason in ("too_big", "unreadable")
    assert "\n" not in str(failed.value)
    assert time.monotonic() - began < 60


def test_memory_that_does_not_suffice_is_said():
    rows = [struct.pack(">BBHII", 0x80, 0, n & 0xFFFF, n * 160, 7) + bytes(20) for n in range(200_000)]
    with pytest.raises(AnalysisFailed) as failed:
        analyze_in_worker(datagrams(rows, 1e-4, (10_000, 20_000)), seconds=60, memory_mb=90)
    assert failed.value.reason in ("too_big", "failed")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("while True: pass", "took_too_long"),
        ("import time; time.sleep(60)", "took_too_long"),
        ("import os; os.kill(os.getpid(), 11)", "failed"),
        ("raise RuntimeError('x\\ny')", "failed"),
        ("bytearray(4 << 30)", "too_big"),
        ("import subprocess; subprocess.run(['true'])", "unreadable"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "unreadable"),
    ],
)
def test_an_analysis_that_misbehaves(what, reason, tmp_path, monkeypatch):
    """A site hook replaces the analysis in the worker, as if the capture had led it astray."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif sys.argv[:1] == ['-m']:\n"
        + "".join(f"    {line}\n" for line in HANG.format(what=what).splitlines())
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    began = time.monotonic()
    with pytest.raises(AnalysisFailed) as failed:
        analyze_in_worker(CAPTURE, seconds=1)
    assert failed.value.reason == reason, str(failed.value)
    assert "\n" not in str(failed.value)
    assert time.monotonic() - began < 20
