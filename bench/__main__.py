"""`make bench`: measures the figures of docs/performance.md and prints them as tables; a person writes them in there.
`make bench ARGS='call-path node'` measures those only.

Exit status 1 when a figure is beyond its bar: it is shown all the same.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from bench import (
    analyzer_signalling,
    analyzer_speed,
    call_path,
    decision_time,
    flood,
    overload,
    sustained,
    whole_node,
    worker_time,
)
from bench.engines import BenchError

Row = tuple[str, str, str, bool]
"""What, figure, bar, kept."""


def call_path_rows(folder: Path) -> Iterator[Row]:
    figures = call_path.measure(folder)
    yield "Kamailio, bare baseline", f"{median(figures.baseline_us):.0f} µs CPU a call", "", True
    yield "Kamailio, our edge: Python, dialogs, records", f"{median(figures.edge_us):.0f} µs CPU a call", "", True
    yield "ratio", f"{figures.ratio:.2f}", f"{call_path.AT_MOST}", figures.ratio <= call_path.AT_MOST


def node_rows(folder: Path) -> Iterator[Row]:
    figures = whole_node.measure(folder)
    yield "Kamailio, bare baseline", f"{median(figures.baseline_us):.0f} µs CPU a call", "", True
    for name, times in figures.program_us.items():
        yield f"node in full service: {name}", f"{median(times):.0f} µs CPU a call", "", True
    yield "ratio", f"{figures.ratio:.2f}", f"{whole_node.AT_MOST}", figures.ratio <= whole_node.AT_MOST


def decision_rows(folder: Path) -> Iterator[Row]:
    few, many = decision_time.measure(folder)
    for times in (few, many):
        yield (
            f"decision, {times.trunks:,} trunks and {times.numbers:,} numbers",
            f"median {times.median_us:.0f}, p99 {times.p99_us:.0f} µs",
            f"p99 {decision_time.P99_AT_MOST_US} µs",
            times.p99_us <= decision_time.P99_AT_MOST_US,
        )
    ratio = many.p99_us / few.p99_us
    yield "ratio of the p99", f"{ratio:.2f}", f"{decision_time.RATIO_AT_MOST}", ratio <= decision_time.RATIO_AT_MOST


def worker_rows(folder: Path) -> Iterator[Row]:
    few, many = worker_time.measure(folder)
    for times in (few, many):
        asked = f"INVITE with credentials in a running worker, {times.trunks:,} trunks and {times.numbers:,} numbers"
        on_clock = f"{times.calls:,} calls: median {times.median_us:.0f}, p99 {times.p99_us:.0f} µs"
        of_cpu = f"of CPU median {times.median_cpu_us:.0f}, p99 {times.p99_cpu_us:.0f} µs"
        most = worker_time.P99_AT_MOST_US
        yield asked, f"{on_clock}; {of_cpu}", f"p99 {most} µs", times.p99_us <= most
    ratio = many.p99_cpu_us / few.p99_cpu_us
    yield "ratio of the p99 of CPU", f"{ratio:.2f}", f"{worker_time.RATIO_AT_MOST}", ratio <= worker_time.RATIO_AT_MOST


def sustained_rows(folder: Path) -> Iterator[Row]:
    figures = sustained.measure(folder)
    yield (
        f"{sustained.RATE} calls/s for {figures.seconds:.0f} s, everything on",
        f"{figures.calls:,} calls, none failed, {figures.retransmissions} retransmissions, every record there",
        "no failed call",
        True,
    )
    for name, memory in figures.memory_mib.items():
        yield (
            f"memory of {name} after {sustained.WARM:,}, {sustained.FULL:,} and {figures.calls:,} calls",
            f"{', '.join(f'{mib:.1f}' for mib in memory)} MiB",
            f"+{sustained.GROWTH_AT_MOST:.0%} from the second to the last",
            memory[-1] / memory[-2] - 1 <= sustained.GROWTH_AT_MOST,
        )


def flood_rows(folder: Path) -> Iterator[Row]:
    for figures in flood.measure(folder):
        beside = f"{flood.FLOOD_RATE:,} INVITEs/s " if figures.flood != flood.KINDS[0] else ""
        calls = f"{figures.calls:,} calls, none failed, {figures.retransmissions} retransmissions"
        cpu = f"Kamailio {figures.cpu_percent:.0f} % of a core"
        yield f"{flood.CALL_RATE} calls/s, {beside}{figures.flood}", f"{calls}; {cpu}", "no failed call", True


def overload_rows(folder: Path) -> Iterator[Row]:
    figures = overload.measure(folder)
    seconds = overload.CALLS // overload.RATE
    what = f"{overload.RATE} calls/s for {seconds} s, the machine busy for {overload.LASTS:.0f} s of them"
    yield what, f"{figures.failed:,} of {overload.CALLS:,} failed, {figures.refused:,} by 503", "", True
    yield "answered calls that lost an ACK or a BYE", f"{figures.ended_wrongly:,}", "", True
    late = f"calls that failed and began more than {overload.OVER_AFTER:.0f} s after that"
    yield late, f"{figures.late_failed:,}", "none", figures.late_failed == 0


def analyzer_rows(folder: Path) -> Iterator[Row]:
    figures = analyzer_speed.measure(folder)
    ours, bar = figures.ours, analyzer_speed.SECONDS_AT_MOST
    what = f"{figures.packets:,} packets ({figures.megabytes:.0f} MB), {figures.what}"
    yield what, f"{ours.seconds:.2f} s, {ours.cpu_seconds:.2f} s of it CPU", f"{bar} s", ours.seconds <= bar
    memory = analyzer_speed.MEMORY_MB_AT_MOST
    yield "memory of it", f"{ours.memory_mb:.0f} MB", f"{memory} MB", ours.memory_mb <= memory
    if figures.tshark is None:
        yield "tshark -z rtp,streams", "not installed", "", True
    else:
        shark = figures.tshark
        kept = ours.seconds < shark.seconds
        yield (
            "tshark -z rtp,streams, same run",
            f"{shark.seconds:.2f} s, {shark.memory_mb:.0f} MB",
            "slower than ours",
            kept,
        )
    for figure in analyzer_signalling.measure(folder):
        run, most = figure.run, figure.seconds_at_most
        took = f"{run.seconds:.2f} s, {run.cpu_seconds:.2f} s of it CPU, {run.memory_mb:.0f} MB"
        yield f"{figure.what} ({figure.megabytes:.1f} MB)", took, f"{most} s", run.seconds <= most


BENCHES: dict[str, Callable[[Path], Iterator[Row]]] = {
    "call-path": call_path_rows,
    "node": node_rows,
    "decision": decision_rows,
    "worker": worker_rows,
    "sustained": sustained_rows,
    "analyzer": analyzer_rows,
    "flood": flood_rows,
    "overload": overload_rows,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.stderr.write(f"bench: no bench {unknown[0]}: use {', '.join(BENCHES)}\n")
        return 2
    kept = True
    for name in names or BENCHES:
        sys.stdout.write(f"\n## {name}\n\n| what | figure | bar | |\n|---|---|---|---|\n")
        with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
            try:
                for what, figure, bar, held in BENCHES[name](Path(folder)):
                    sys.stdout.write(
                        f"| {what} | {figure} | {bar} | {('kept' if held else '**beyond**') if bar else ''} |\n"
                    )
                    sys.stdout.flush()
                    kept &= held
            except BenchError as problem:
                sys.stdout.write(f"| {name} | no figure: {problem} | | **failed** |\n")
                kept = False
    return 0 if kept else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that what was started is ended
    sys.exit(main(sys.argv[1:]))
