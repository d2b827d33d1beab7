"""Real captures against their truth, and a generated one against its own and against tshark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tshark_jitter import assert_same

from bench import big_capture
from trunkline.analyzer.limits import Limits
from trunkline.analyzer.media.collector import Collector
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.model.stream import Media, Stream
from trunkline.analyzer.read.files import read_files

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "captures"


def media_of(path: Path) -> Media:
    collector = Collector(Limits())
    read_files([(path.name, path)], Capture(), Limits(), collector)
    return collector.finish()


def truths() -> list[dict]:
    path = SHARED / "truth.json"
    if not path.is_file():
        return []
    there = json.loads(path.read_text())
    return [one for one in there if one["packets"] and (SHARED / one["file"]).is_file() and "rtp_streams" in one]


@pytest.mark.skipif(not truths(), reason="../shared/captures is not there: media is NOT checked against real captures")
@pytest.mark.parametrize("truth", truths(), ids=lambda truth: truth["file"])
def test_real_captures(truth):
    media = media_of(SHARED / truth["file"])
    wanted = {(s["src"], s["dst"], s["ssrc"]): s for s in truth["rtp_streams"]}
    found = {(str(s.src), str(s.dst), f"0x{s.ssrc:08x}"): s for s in media.streams}
    assert found.keys() == wanted.keys()
    for key, stream in found.items():
        assert (stream.packets, stream.lost) == (wanted[key]["packets"], wanted[key]["lost"])
        if not stream.comfort_noise and not stream.events:
            assert stream.jitter_mean_ms == pytest.approx(wanted[key]["mean_jitter_ms"], abs=0.05)
            assert stream.jitter_max_ms == pytest.approx(wanted[key]["max_jitter_ms"], abs=0.05)
            assert stream.max_delta_ms == pytest.approx(wanted[key]["max_delta_ms"], abs=0.05)
    assert media.captured == bool(wanted) or not wanted


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> tuple[Path, list[big_capture.CallTruth], Media]:
    path = tmp_path_factory.mktemp("generated") / "calls.pcap"
    truth = big_capture.write(path, 40_000, seed=3)
    return path, truth, media_of(path)


def streams_of(
    truth: list[big_capture.CallTruth], media: Media
) -> list[tuple[str, big_capture.StreamTruth, list[Stream]]]:
    by_ssrc: dict[str, list[Stream]] = {}
    for stream in media.streams:
        by_ssrc.setdefault(f"0x{stream.ssrc:08x}", []).append(stream)
    return [(call.fault, known, by_ssrc.get(known.ssrc, [])) for call in truth for known in call.streams]


def test_every_fault_of_the_generator_is_counted(generated):
    _, truth, media = generated
    rows = streams_of(truth, media)
    assert sum(len(found) for _, _, found in rows) == len(media.streams)
    for fault, known, found in rows:
        if fault == "restart" and len(found) == 2:
            assert sum(stream.packets for stream in found) == known.packets
            assert not any(s.lost for s in found)
            continue
        (stream,) = found
        counted = (stream.packets, stream.lost, stream.duplicates, stream.captured_twice)
        assert counted == (known.packets, known.lost, known.duplicates, known.captured_twice), fault
        assert "".join(event.digit for event in stream.events) == known.events
        assert "".join(tone.digit for tone in stream.tones) == known.tones
        assert (str(stream.src), str(stream.dst), stream.payload_type) == (known.src, known.dst, known.payload_type)
        assert stream.encrypted in {False, None}
        assert stream.wrong_clock is None
        assert not stream.paired
    assert sum(fault == "restart" and len(found) == 2 for fault, _, found in rows) == sum(
        c.fault == "restart" for c in truth
    )
    assert not media.other
    assert not media.doubtful
    assert media.captured


def test_the_generators_faults_are_seen_where_they_belong(generated):
    _, truth, media = generated
    worst = {fault: found[-1] for fault, _, found in streams_of(truth, media)}
    assert worst["silence"].silence_share > 0.9
    assert worst["silence"].silences
    assert worst["none"].silence_share < 0.5
    assert not worst["none"].silences
    assert worst["comfort_noise"].dtx
    assert worst["comfort_noise"].lost == 0
    assert worst["jitter"].jitter_mean_ms > 3 > worst["none"].jitter_mean_ms
    assert worst["reordering"].reordered > 0 == worst["none"].reordered
    assert worst["skew"].skew_ppm == pytest.approx(-600, abs=20)
    assert worst["burst_loss"].burst_ratio > 2 > worst["random_loss"].burst_ratio
    assert worst["burst_loss"].mos < worst["none"].mos


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed: NOT compared with it")
def test_tshark_counts_the_same(generated):
    path, truth, media = generated
    said = subprocess.run(
        ["tshark", "-q", "-z", "rtp,streams", "-r", str(path)], capture_output=True, text=True, check=True
    )
    shark: dict[str, list[float]] = {}
    for line in said.stdout.splitlines():
        row = re.search(r"(0x[0-9A-F]{8})\s+\D.*?\s{2,}(\d+)\s+(-?\d+) \(.*?%\)(.*)", line)
        if row:
            shark[row[1].lower()] = [float(n) for n in (row[2], row[3], *re.findall(r"-?\d+\.\d+", row[4]))]
    assert len(shark) == sum(len(call.streams) for call in truth)
    for fault, known, found in streams_of(truth, media):
        packets, lost, *_, mean, most = shark[known.ssrc]
        if fault == "restart":
            continue
        assert found[0].packets == packets
        if fault not in {"duplicates", "captured_twice"}:  # tshark's loss goes below zero there
            assert found[0].lost == lost
        if fault not in {"events", "comfort_noise"}:
            late = bool(found[0].reordered or found[0].duplicates)
            assert_same(found[0].jitter_mean_ms, mean, some_late=late, what=fault)
            assert_same(found[0].jitter_max_ms, most, some_late=late, what=fault)


def test_the_generator_gives_the_same_file_for_the_same_seed(tmp_path):
    first, second = tmp_path / "a.pcap", tmp_path / "b.pcap"
    big_capture.write(first, 3_000, seed=5)
    big_capture.write(second, 3_000, seed=5)
    assert first.read_bytes() == second.read_bytes()
    big_capture.write(second, 3_000, seed=6)
    assert first.read_bytes() != second.read_bytes()


def test_the_speed_bench_reads_what_the_generator_writes(tmp_path):
    path = tmp_path / "large.pcap"
    truth = big_capture.write(path, 60_000)
    command = [sys.executable, "-m", "bench.analyzer_speed", "--media", str(path)]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, cwd=Path(big_capture.__file__).parents[1]
    )
    messages = 10 * len(truth)
    packets = messages + sum(stream.packets for call in truth for stream in call.streams)
    streams = sum(len(call.streams) + (call.fault == "restart") for call in truth)
    assert said.stdout.startswith(f"{packets} packets, {messages} messages, ")
    assert abs(int(said.stdout.split()[4]) - streams) <= sum(call.fault == "restart" for call in truth)
