"""DTMF as tones in the audio.

Proof: pairs of DTMF tones in decoded G.711, and no RFC 4733 events in the stream at the same time.
Traps: speech can sound like a tone: both tones, their balance and two blocks in a row are asked for before this rule.
Fix: RFC 4733.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DTMF-03",
    title="DTMF tones in the audio",
    severity="warn",
    reference="RFC 4733 section 1",
    fix="Set DTMF to RFC 4733 (RFC 2833) on both sides.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for flow in flows_of(trace):
        stream = flow.stream
        tones = [tone for tone in stream.tones if tone.kind == "dtmf"]
        if not tones or any(abs(event.start - tone.start) < 1.0 for event in stream.events for tone in tones):
            continue
        agreed = any(section.telephone_event for _, section in flow.receiver_says)
        digits = "".join(tone.digit for tone in tones)[:40]
        yield RULE.finding(
            f"{stream.src} sends the digits {digits} as tones in the audio"
            + (", although events (RFC 4733) were agreed." if agreed else "."),
            "Tones survive G.711 without loss, and nothing else. Menus that wait for events do not react.",
            calls=flow.calls,
            evidence=[flow.quoted(f"tones {digits}, the first of {tones[0].duration_ms:.0f} ms")],
            confidence="strong" if len(tones) > 1 else "hint",
            key=f"{stream.src.ip}:{agreed}",
        )
