"""Fax tones without T.38.

Proof: CED, CNG or V.21 in the audio, or fax events of RFC 4734, and no switch to m=image.
Traps: a voice call may have a short beep; answering tones of 2100 Hz also belong to modems.
Fix: T.38, or a line that carries G.711 without loss.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import described
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="FAX-03",
    title="Fax over audio",
    severity="warn",
    reference="ITU-T T.38, RFC 4734",
    fix="Switch T.38 on; without it use G.711, a fixed jitter buffer, no VAD and no echo cancellation.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for flow in flows_of(trace):
        stream = flow.stream
        kinds = sorted({tone.kind.upper() for tone in stream.tones if tone.kind != "dtmf"})
        events = [event.digit for event in stream.events if event.digit.isdigit() and int(event.digit) in FAX_EVENTS]
        if not kinds and not events:
            continue
        if flow.hop is not None and any(sdp.first("image") for _, sdp in described(flow.hop)):
            continue
        fragile = stream.loss_share > 0.001 or stream.jitter_max_ms > 30 or stream.payload_type not in (0, 8)
        yield RULE.finding(
            f"{stream.src} sends fax tones ({', '.join([*kinds, *events][:4])}), and the call stays an audio call"
            + (" on a line with loss, jitter or a compressed codec." if fragile else "."),
            "A fax over audio breaks off with the first lost packets, and compressed codecs destroy it.",
            calls=flow.calls,
            evidence=[flow.quoted(f"fax tones {', '.join(kinds or events)}")],
            severity="warn" if fragile else "info",
            confidence="strong" if "V21" in kinds or len(kinds) > 1 or events else "hint",
            key=f"{stream.src.ip}:{fragile}",
        )


FAX_EVENTS = frozenset((*range(32, 55), *range(192, 206)))
"""RFC 4734 tables 2 to 5."""
