"""Calls always end at the same time.

Proof: two or more calls end within a second of one of the usual timers: 32, 60, 90, 300, 600, 900, 1800, 3600 s after
the answer, ended by the same side, and most of the answered calls do.
Traps: chance: one call proves nothing unless its Session-Expires has this value (TIMER-02).
Fix: see DLG-01, TIMER-02 and NET-10.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DLG-07",
    title="Calls always end at a fixed time",
    severity="warn",
    reference="RFC 3261 section 13.3.1.4, RFC 4028 section 10",
    fix="Look for a lost ACK (32 s), session timers (900 s, 1800 s), and NAT timeouts.",
    needs=("time",),
)
TIMERS = (30.0, 32.0, 60.0, 90.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
NEAR = 1.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per timer."""
    ended = [
        (call.ended - call.answered, call)
        for call in trace.calls
        if call.kind == "call" and call.answered is not None and call.ended is not None
    ]
    for timer in TIMERS:
        long_enough = [(seconds, call) for seconds, call in ended if seconds >= timer - NEAR]
        hit = [call for seconds, call in ended if abs(seconds - timer) <= NEAR]
        if len(hit) < 2 or len({call.ended_by for call in hit}) != 1 or len(hit) * 2 <= len(long_enough):
            continue
        yield RULE.finding(
            f"{len(hit)} of {len(long_enough)} calls that lasted so long ended {timer:.0f} s after the answer.",
            "People do not hang up by the clock: a timer of one side ends these calls.",
            calls=[call.id for call in hit],
            evidence=[quote(call.messages[-1]) for call in hit[:3]],
            confidence="strong" if len(hit) > 2 else "hint",
            key=str(timer),
        )
