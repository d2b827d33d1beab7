"""The clock of events is not that of the audio.

Proof: the agreed codec runs at 16 or 48 kHz, and telephone-event at 8 kHz only (or the reverse).
Traps: G.722 has an RTP clock of 8,000 by RFC 3551; where an 8 kHz codec is chosen, nothing is wrong.
Fix: offer telephone-event with the clock of each codec.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import SdpMedia
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import NO_AUDIO, answered, audio
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="DTMF-07",
    title="DTMF events with another clock than the audio",
    severity="warn",
    reference="RFC 4733 section 2.1",
    fix="Offer telephone-event with the clock rate of each audio codec.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per answering host and pair of clocks."""
    for hop, exchange, answer, sdp in answered(facts_of(trace)):
        said = audio(sdp)
        if said is None or not said.port or not said.telephone_event:
            continue
        clock, clocks = _chosen_clock(said), sorted(set(said.telephone_event.values()))
        if not clock or clock in clocks:
            continue
        yield RULE.finding(
            f"The audio agreed with {answer.src or 'the other side'} runs at {clock} Hz, DTMF events at "
            f"{', '.join(map(str, clocks))} Hz only.",
            "Events share the timestamps of the audio. With another clock their length is read wrongly: digits are "
            "lost or doubled.",
            calls=[hop.id],
            evidence=[quote_sdp(answer, "a=rtpmap"), quote_sdp(exchange.offer, "m=audio")],
            confidence="strong",
            key=f"{answer.src.ip if answer.src else ''}:{clock}:{clocks}",
            values=values_of(hop, exchange.offer, answer),
        )


def _chosen_clock(section: SdpMedia) -> int:
    for text in section.formats:
        entry = section.rtpmap.get(int(text)) if text.isascii() and text.isdigit() else None
        if entry is not None and entry[0].lower() not in NO_AUDIO:
            return entry[1]
    return 0
