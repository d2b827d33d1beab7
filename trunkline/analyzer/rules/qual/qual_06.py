"""The sender's clock is off.

Proof: the rate of RTP timestamps against the capture's clock.
Traps: the capture's own clock may be off by some 50 ppm. G.722 counts 8,000 per second by RFC 3551. A dynamic payload
type that no SDP names has no known clock.
Fix: the device's clock or timing source.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.media.codecs import FIRST_DYNAMIC
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="QUAL-06",
    title="Clock skew",
    severity="info",
    reference="RFC 3550 section 6.4.1, RFC 3551 section 4.5.2",
    fix="Check the timing source of the device.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and gravity."""
    for flow in flows_of(trace):
        stream = flow.stream
        if not flow.is_audio or stream.packets < 500:
            continue
        skew = stream.skew_ppm
        if stream.wrong_clock is not None:
            text = f"counts {stream.wrong_clock:.0f} per second where the codec has {stream.clock_rate}"
            if stream.payload_type >= FIRST_DYNAMIC and not flow.receiver_says and not flow.sender_says:
                continue  # no SDP names the codec: its clock rate is a guess
        elif skew is not None and abs(skew) > 200 and stream.duration > 30:
            text = f"runs {abs(skew):.0f} ppm too {'fast' if skew > 0 else 'slow'}"
        else:
            continue
        grave = stream.wrong_clock is not None or abs(skew or 0.0) > 1000
        yield RULE.finding(
            f"The clock of {stream.src} {text}.",
            "The jitter buffer runs full or empty every so often: a click or a short gap each time.",
            calls=flow.calls,
            evidence=[flow.quoted(text)],
            severity="warn" if grave else "info",
            confidence="strong",
            key=f"{stream.src.ip}:{grave}",
        )
