"""A low estimate of speech quality.

Proof: the E-model's MOS from loss, bursts, jitter and codec.
Traps: an estimate of one direction, from packets alone: always a hint. For a codec that G.113 does not have it is
rough, and no reason for alarm.
Fix: as for loss and jitter.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.media.codecs import impairment
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="QUAL-03",
    title="Estimated MOS is low",
    severity="warn",
    reference="ITU-T G.107, G.113",
    fix="See to loss and jitter first; a better codec helps only after that.",
    needs=("media",),
)


MOST_OF_START = 500
"""Packets by which a stream without loss can be judged: its start alone shakes as the sender's timers settle."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and gravity."""
    for flow in flows_of(trace):
        stream = flow.stream
        if stream.mos is None or stream.mos >= 3.6 or stream.packets < (100 if stream.lost else MOST_OF_START):
            continue
        known = impairment(stream.codec, stream.clock_rate)
        grave = stream.mos < 3.1 and known is not None and not known.rough
        yield RULE.finding(
            f"Estimated MOS of audio from {stream.src}: {stream.mos:.1f} ({stream.mos_basis}).",
            "Below 3.6 many listeners are dissatisfied; below 3.1 nearly all. It is an estimate from packets.",
            calls=flow.calls,
            evidence=[flow.quoted(f"MOS {stream.mos:.2f}")],
            severity="critical" if grave else "warn",
            confidence="hint",
            key=f"{stream.src.ip}:{grave}",
        )
