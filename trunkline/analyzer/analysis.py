"""The library's entry: files in, findings out.

    from trunkline.analyzer import analyze
    analysis = analyze("call.pcap")
    print(analysis.verdict)

No network, no state: the same input gives the same result.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from trunkline.analyzer.garbage import no_collection
from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.trace import Analysis, Options, Trace

Source = tuple[str, Path | str | bytes]
"""What it is called in the report, and a path or the contents."""
Input = str | os.PathLike[str] | bytes
Progress = Callable[[int, int], None]
"""Called now and then with bytes read so far and bytes in all."""


def analyze(
    sources: Input | Sequence[Input | Source],
    options: Options | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Reads captures and logs, finds the calls, and judges them.

    `sources`: one or several paths, or the contents themselves as bytes, or, in a list, pairs of a name for the report
    and one of these; several are merged by time. `options`: what is
    known beside the files (provider, PBX, passwords, numbers). `limits`: how much is read at most.

    Raises `UnreadableInput` (a ValueError of one line for people) when nothing of the input can be read,
    `ProfileInvalid` (the same) for a provider that does not exist or whose file is wrong, and OSError for a file that
    cannot be opened.
    What was read before a damage is judged; `Analysis.trace.capture.damage` says what was not read.
    """
    started = time.perf_counter()
    with no_collection():
        return judged(read_trace(sources, options, limits, progress), started)


def judged(trace: Trace, started: float | None = None) -> Analysis:
    """What the rules say of a trace that was made otherwise. `started`: of `time.perf_counter`."""
    from trunkline.analyzer.fixes import add_fixes
    from trunkline.analyzer.report.verdict import verdict_of
    from trunkline.analyzer.rules.engine import judge

    started = time.perf_counter() if started is None else started
    findings = judge(trace)
    add_fixes(trace, findings)
    return Analysis(trace, findings, verdict_of(trace, findings), time.perf_counter() - started)


def read_trace(
    sources: Input | Sequence[Input | Source],
    options: Options | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Trace:
    """As `analyze`, without judging: the messages, calls and streams."""
    from trunkline.analyzer.calls.build import build_trace
    from trunkline.analyzer.media.collector import Collector
    from trunkline.analyzer.model.capture import Capture, Damage
    from trunkline.analyzer.read.files import read_files

    limits = limits or Limits()
    capture = Capture()
    collector = Collector(limits)
    read_files(inputs(sources), capture, limits, collector, progress)
    media = collector.finish()
    if media.unmeasured:
        what = f"{media.unmeasured:,} RTP streams of a few packets were left out: there are thousands of such streams"
        capture.damage.append(Damage(0, what))
    return build_trace(capture, media, options or Options(), limits)


def inputs(sources: Input | Sequence[Input | Source]) -> list[Source]:
    """Pairs of a name for people and a path or the contents."""
    several = [sources] if isinstance(sources, (str, bytes, os.PathLike)) else list(sources)
    return [_named(one) for one in several]


def _named(one: Input | Source) -> Source:
    if isinstance(one, tuple):
        return one
    return ("standard input", one) if isinstance(one, bytes) else (str(one), Path(one))
