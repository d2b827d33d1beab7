"""How fast the analyzer works through SIP alone, through a text log, and how long a small file takes.

`python -m bench.analyzer_signalling` prints the three. The files are written first: calls that are challenged, answered
and ended, ten messages each.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.analyzer_speed import Run, best, timed
from bench.big_capture import PBX, PROVIDER, header, sip_dialog

MESSAGES = 100_000
MESSAGES_SECONDS_AT_MOST = 5.0
LOG_BYTES = 10_000_000
LOG_SECONDS_AT_MOST = 2.0
SMALL_SECONDS_AT_MOST = 0.3
SMALL_CALLS = 60
"""About half a megabyte."""
_A_CALL = 10
_START = 1_700_000_000_000_000
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    what: str
    megabytes: float
    run: Run
    seconds_at_most: float


def messages(calls: int) -> Iterator[tuple[int, bool, str]]:
    """Time in µs, whether the PBX sends it, and the message, by time; a call begins every 50 ms and takes 5 s."""
    waiting: list[tuple[int, int, bool, str]] = []
    for number in range(calls):
        start = _START + number * 50_000
        ports = 10_000 + 2 * (number % 5_000), 30_000 + 2 * (number % 10_000)
        dialog = sip_dialog(f"call-{number:06d}@{PBX}", number, start, start + 5_000_000, *ports, 0)
        waiting += [(time, number, sent, text) for time, sent, text in dialog]
    waiting.sort(key=lambda entry: entry[0])
    for time, _, sent, text in waiting:
        yield time, sent, text


def write_capture(path: Path, calls: int) -> None:
    """A pcap of SIP over UDP."""
    with path.open("wb") as file:
        file.write(bytes.fromhex("d4c3b2a1020004000000000000000000") + (262_144).to_bytes(4, "little"))
        file.write((1).to_bytes(4, "little"))
        for time, sent, text in messages(calls):
            ends = ((PBX, 5060), (PROVIDER, 5060)) if sent else ((PROVIDER, 5060), (PBX, 5060))
            packet = header(*ends, len(text), 24) + text.encode()
            size = len(packet).to_bytes(4, "little")
            stamp = (time // 1_000_000).to_bytes(4, "little") + (time % 1_000_000).to_bytes(4, "little")
            file.write(stamp + size + size + packet)


def write_log(path: Path, most: int) -> None:
    """A log as Asterisk's PJSIP writes it, with lines of its own between the messages."""
    written = 0
    with path.open("w") as file:
        for number, (time, sent, text) in enumerate(messages(most // 5_000)):
            stamp = datetime.fromtimestamp(time / 1e6, UTC).strftime("[%Y-%m-%d %H:%M:%S.%f")[:-3] + "] "
            kind = "request" if not text.startswith("SIP/2.0") else "response"
            verb, way = ("Transmitting", "to") if sent else ("Received", "from")
            body = text.replace("\r\n", "\n")
            entry = (
                f"{stamp}VERBOSE[1234] res_pjsip_logger.c: <--- {verb} SIP {kind} ({len(text)} bytes) {way} "
                f"UDP:{PROVIDER}:5060 --->\n{body}\n{stamp}DEBUG[1234] pbx.c: Launching 'Dial' {number}\n"
            )
            file.write(entry)
            written += len(entry)
            if written >= most:
                return


def measure(folder: Path, rounds: int = _ROUNDS) -> Iterator[Figure]:
    """Whole runs of the command, start-up included. Raises `BenchError` when one fails."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", "trunkline"], check=False)
    large, log, small = folder / "sip.pcap", folder / "pbx.log", folder / "small.pcap"
    write_capture(large, MESSAGES // _A_CALL)
    write_log(log, LOG_BYTES)
    write_capture(small, SMALL_CALLS)
    for what, path, most in (
        (f"{MESSAGES:,} SIP messages", large, MESSAGES_SECONDS_AT_MOST),
        ("text log", log, LOG_SECONDS_AT_MOST),
        ("small capture", small, SMALL_SECONDS_AT_MOST),
    ):
        command = [sys.executable, "-m", "trunkline.cli.main", "analyze", "--json", str(path)]
        runs = [timed(command, folder) for _ in range(rounds if most > 1 else 3 * rounds)]
        yield Figure(what, path.stat().st_size / 1e6, best(runs), most)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        for figure in measure(Path(folder)):
            run = figure.run
            sys.stdout.write(
                f"{figure.what}, {figure.megabytes:.1f} MB: {run.seconds:.2f} s, {run.cpu_seconds:.2f} s CPU, "
                f"{run.memory_mb:.0f} MB\n"
            )
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
