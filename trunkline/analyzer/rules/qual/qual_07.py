"""Audio is too loud or too quiet.

Proof: the level of active speech outside -35 to -9 dBm0, or more than a thousandth of the samples at full scale.
Traps: music and announcements are louder.
Fix: gain.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="QUAL-07",
    title="Level problem",
    severity="info",
    reference="ITU-T P.56, G.100.1",
    fix="Set the gain at the sender; -15 to -25 dBm0 is comfortable.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and kind."""
    for flow in flows_of(trace):
        stream = flow.stream
        level = stream.level_dbm0
        if level is None or stream.packets < 250 or (stream.silence_share or 0.0) > 0.9 or stream.encrypted:
            continue
        if stream.peak_clipped > 0.001:
            kind, text = "clipped", f"{stream.peak_clipped:.1%} of the samples are at full scale"
        elif not -35 <= level <= -9:
            kind, text = ("loud" if level > -9 else "quiet"), f"active level {level:.0f} dBm0"
        else:
            continue
        yield RULE.finding(
            f"Audio from {stream.src} is {kind}: {text}.",
            "Clipped audio is harsh, quiet audio drowns in noise.",
            calls=flow.calls,
            evidence=[flow.quoted(text)],
            confidence="hint",
            key=f"{stream.src.ip}:{kind}",
        )
