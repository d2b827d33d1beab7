"""The clock of the capture jumps.

Proof: times go back by more than a millisecond, or all streams pause at the same instant.
Traps: a gap in every stream at once is the sniffer's: loss and dropouts are not judged then.
Fix: the clock and the load of the capturing machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CAP-07",
    title="Capture clock jumps or the capture itself has gaps",
    severity="info",
    reference="how captures work, no standard",
    fix="Check time synchronisation and load of the capturing machine.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding for the clock, one for the gaps."""
    back = sum(source.clock_backsteps for source in trace.capture.files)
    if back:
        yield RULE.finding(
            f"The time goes back {back} times within the file.",
            "Delays and jitter that are measured across such a step are not real.",
            key="clock",
        )
    gaps = trace.media.capture_gaps
    if gaps:
        longest = max(gaps, key=lambda gap: gap.seconds)
        yield RULE.finding(
            f"All streams pause at once {len(gaps)} times, for up to {longest.seconds:.1f} s.",
            "Many streams never fail at the same instant: the capturing machine lost these packets, the network "
            "did not.",
            confidence="strong",
            key="gaps",
        )
