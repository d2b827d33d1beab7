"""Silence suppression.

Proof: comfort noise packets, or pauses that begin with a marker bit and timestamps that keep pace.
Traps: none: a fact that keeps pauses from being called loss.
Fix: voice activity detection off on trunks.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="COD-07",
    title="Silence suppression in use",
    severity="info",
    reference="RFC 3389, RFC 3551 section 4.1",
    fix="Switch voice activity detection (VAD) off for trunks, if pauses sound like a dead line.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for flow in flows_of(trace):
        stream = flow.stream
        if not flow.is_audio or not (stream.dtx or stream.comfort_noise):
            continue
        yield RULE.finding(
            f"{stream.src} does not send while nobody speaks"
            + (f" ({stream.comfort_noise} comfort noise packets)." if stream.comfort_noise else "."),
            "Pauses in this stream are no loss. The far end may hear dead silence in them.",
            calls=flow.calls,
            evidence=[flow.quoted("pauses with a marker bit" if stream.dtx else "comfort noise")],
            confidence="proven" if stream.comfort_noise else "strong",
            key=stream.src.ip,
        )
