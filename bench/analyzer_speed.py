"""How fast the analyzer reads a large capture, how much memory it takes, and what tshark needs for the same file in
the same run.

`python -m bench.analyzer_speed 1000000 10000000` measures several sizes, which shows whether time grows with the
packets.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.engines import BenchError

PACKETS = 1_000_000
SECONDS_AT_MOST = 2.0
MEMORY_MB_AT_MOST = 500
LARGE = 10_000_000
LARGE_MEMORY_MB_AT_MOST = 800
GROWTH_AT_MOST = 1.25
"""Of the time for one packet, from the smallest to the largest capture."""
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Run:
    """One program over one file: the quickest round, and the most memory of all rounds."""

    seconds: float
    cpu_seconds: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Figures:
    packets: int
    megabytes: float
    what: str
    """Which program was measured: the whole analysis, or reader and media where there is no command yet."""
    ours: Run
    tshark: Run | None
    """None: not installed."""


def measure(folder: Path, packets: int = PACKETS, rounds: int = _ROUNDS) -> Figures:
    """Writes the capture into `folder` and measures by turns. Raises `BenchError` when a program fails."""
    capture = folder / f"{packets}.pcap"
    # in a process of its own: the memory of a parent counts as that of its children
    subprocess.run(
        [sys.executable, "-m", "bench.big_capture", str(capture), str(packets)], check=True, stdout=subprocess.DEVNULL
    )
    what, command = _ours(capture)
    shark = shutil.which("tshark")
    ours: list[Run] = []
    theirs: list[Run] = []
    for _ in range(rounds):
        ours.append(timed(command, folder))
        if shark:
            theirs.append(timed([shark, "-q", "-z", "rtp,streams", "-r", str(capture)], folder))
    size = capture.stat().st_size / 1e6
    capture.unlink()
    return Figures(packets, size, what, best(ours), best(theirs) if theirs else None)


def _ours(capture: Path) -> tuple[str, list[str]]:
    analyze = [sys.executable, "-m", "trunkline.cli.main", "analyze"]
    if subprocess.run([*analyze, "--help"], capture_output=True, check=False).returncode == 0:
        return "trunkline analyze --json", [*analyze, "--json", str(capture)]
    return "reader and media", [sys.executable, "-m", "bench.analyzer_speed", "--media", str(capture)]


def timed(command: list[str], folder: Path) -> Run:
    with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1}:  # 1: there are findings
        said = (folder / "errors").read_text(errors="replace").strip().splitlines()
        raise BenchError(
            f"{' '.join(command[:4])} … ended with {process.returncode}: {said[-1] if said else 'no word'}"
        )
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def best(runs: list[Run]) -> Run:
    quickest = min(runs, key=lambda run: run.seconds)
    return Run(quickest.seconds, quickest.cpu_seconds, max(run.memory_mb for run in runs))


def read_media(path: str) -> None:
    """What is measured where there is no `trunkline analyze`: reader and media, without SIP."""
    from trunkline.analyzer.limits import Limits
    from trunkline.analyzer.media.collector import Collector
    from trunkline.analyzer.model.capture import Capture
    from trunkline.analyzer.read.files import read_files

    capture, limits = Capture(), Limits()
    collector = Collector(limits)
    read_files([(path, Path(path))], capture, limits, collector)
    media = collector.finish()
    sys.stdout.write(
        f"{capture.files[0].packets} packets, {len(capture.messages)} messages, {len(media.streams)} streams\n"
    )


def _show(figures: Figures, name: str, run: Run) -> None:
    each = run.seconds / figures.packets * 1e6
    what = f"{figures.packets:>11,} packets, {figures.megabytes:,.0f} MB, {name}"
    took = f"{run.seconds:.2f} s, {run.cpu_seconds:.2f} s CPU, {each:.2f} µs a packet, {run.memory_mb:.0f} MB"
    sys.stdout.write(f"{what}: {took}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--media"]:
        read_media(arguments[1])
        return 0
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        for packets in [int(text) for text in arguments] or [PACKETS]:
            figures = measure(Path(folder), packets)
            _show(figures, figures.what, figures.ours)
            if figures.tshark is not None:
                _show(figures, "tshark -z rtp,streams", figures.tshark)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
