"""G.729 annex B: one side with, the other without.

Proof: G.729 is agreed; one description allows annex B (annexb=yes, or nothing) and the other says annexb=no.
Traps: an answer of annexb=no to an offer of yes settles it (RFC 7261): a hint only, because some equipment sends
silence descriptions all the same.
Fix: annexb=no on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import SdpMedia
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import answered, audio, codecs
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="COD-04",
    title="G.729 with annex B on one side only",
    severity="warn",
    reference="RFC 7261 section 3, RFC 4855",
    fix="Say annexb=no on both sides.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per answering host and way round."""
    for hop, exchange, answer, sdp in answered(facts_of(trace)):
        asked, said = audio(exchange.offer_sdp), audio(sdp)
        if asked is None or said is None or not _has_g729(said):
            continue
        if codecs(said)[:1] != ["g729"] or "g729" not in codecs(asked):
            continue
        offered, taken = _annex_b(asked), _annex_b(said)
        if offered == taken:
            continue
        yield RULE.finding(
            f"G.729 is agreed, and {'only the offer' if offered else 'only the answer'} allows annex B (silence "
            "descriptions).",
            "Equipment without annex B takes the short silence packets for damaged speech: clicks or drop-outs.",
            calls=[hop.id],
            evidence=[quote_sdp(exchange.offer, "a=fmtp:18"), quote_sdp(answer, "a=fmtp:18")],
            severity="info" if offered else "warn",
            confidence="hint" if offered else "strong",
            key=f"{answer.src.ip if answer.src else ''}:{offered}",
            values=values_of(hop, exchange.offer, answer) | {"codec": "g729"},
        )


def _has_g729(section: SdpMedia) -> bool:
    return any(name.lower() == "g729" for name, _, _ in section.rtpmap.values())


def _annex_b(section: SdpMedia) -> bool:
    for payload_type, (name, _, _) in section.rtpmap.items():
        if name.lower() == "g729":
            return "annexb=no" not in section.fmtp.get(payload_type, "").lower().replace(" ", "")
    return True
