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

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.trace import Analysis, Options, Trace

Input = str | os.PathLike[str] | bytes
Source = tuple[str, Path | str | bytes]
Progress = Callable[[int, int], None]
"""Called now and then with bytes read so far and bytes in all."""


def analyze(
    sources: Input | Sequence[Input],
    options: Options | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Reads captures and logs, finds the calls, and judges them.

    `sources`: one or several paths, or the contents themselves as bytes; several are merged by time. `options`: what is
    known beside the files (provider, PBX, passwords, numbers). `limits`: how much is read at most.

    Raises `UnreadableInput` (a ValueError of one line for people) when nothing of the input can be read,
    `ProfileInvalid` (the same) for a provider that does not exist or whose file is wrong, and OSError for a file that
    cannot be opened.
    What was read before a damage is judged; `Analysis.trace.capture.damage` says what was not read.
    """
    from trunkline.analyzer.fixes import add_fixes
    from trunkline.analyzer.report.verdict import verdict_of
    from trunkline.analyzer.rules.engine import judge

    started = time.perf_counter()
    trace = read_trace(sources, options, limits, progress)
    findings = judge(trace)
    add_fixes(trace, findings)
    return Analysis(trace, findings, verdict_of(trace, findings), time.perf_counter() - started)


def read_trace(
    sources: Input | Sequence[Input],
    options: Options | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Trace:
    """As `analyze`, without judging: the messages, calls and streams."""
    from trunkline.analyzer.calls.build import build_trace
    from trunkline.analyzer.media.collector import Collector
    from trunkline.analyzer.model.capture import Capture
    from trunkline.analyzer.read.files import read_files

    limits = limits or Limits()
    capture = Capture()
    collector = Collector(limits)
    read_files(inputs(sources), capture, limits, collector, progress)
    return build_trace(capture, collector.finish(), options or Options(), limits)


def inputs(sources: Input | Sequence[Input]) -> list[Source]:
    """Pairs of a name for people and a path or the contents."""
    several = [sources] if isinstance(sources, (str, bytes, os.PathLike)) else list(sources)
    return [("standard input", one) if isinstance(one, bytes) else (str(one), Path(one)) for one in several]
