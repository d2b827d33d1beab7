"""The answer does not fit the offer.

Proof: another number of m= lines, another order, audio refused (port 0) although it was offered, or payload types that
the offer does not have.
Traps: refused video is fine; further payload types beside one that was offered are allowed (section 6.1): a fact.
Fix: the codec lists of the side that answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.call import OfferAnswer
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message, Sdp
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import answered, audio
from trunkline.analyzer.rules.facts import Hop, facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SDP-04",
    title="The SDP answer does not fit the offer",
    severity="critical",
    reference="RFC 3264 section 6",
    fix="Give both sides a codec list with a common codec; if the answer is still wrong, update the answering side.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per kind of fault and answering host: the hop nearest to it, of those that pass the answer on."""
    first: dict[tuple[str, str, str], tuple[Hop, OfferAnswer, Message, Sdp, bool, str]] = {}
    for hop, exchange, answer, sdp in answered(facts_of(trace)):
        what, grave, beginning = _fault(exchange.offer_sdp, sdp)
        key = hop.dialog.call_id, answer.to_tag if answer.status else answer.from_tag, what
        if what and (key not in first or answer.index < first[key][2].index):
            first[key] = hop, exchange, answer, sdp, grave, beginning
    for (_, _, what), (hop, exchange, answer, _, grave, beginning) in first.items():
        yield RULE.finding(
            f"The answer of {answer.src or 'the other side'} {what}.",
            "Each m= line of the offer has one answer in the same place, and an answer chooses from what was offered. "
            "Otherwise the two sides disagree about codecs or ports.",
            calls=[hop.id],
            evidence=[quote_sdp(answer, beginning), quote_sdp(exchange.offer, beginning)],
            severity="critical" if grave else "info",
            key=f"{answer.src.ip if answer.src else ''}:{what}",
            values=values_of(hop, exchange.offer, answer),
        )


def _fault(offer: Sdp, answer: Sdp) -> tuple[str, bool, str]:
    """What is wrong, whether the call suffers, and the line to quote."""
    if answer.problems or offer.problems:
        return "", False, ""
    if len(answer.media) != len(offer.media):
        refused = offer.media[len(answer.media) :]
        # Older programs leave out what the offer itself had switched off: wrong, and nobody misses it.
        grave = not refused or any(section.port for section in refused)
        return f"has {len(answer.media)} m= lines where the offer has {len(offer.media)}", grave, "m="
    kinds = [(theirs.kind, ours.kind) for theirs, ours in zip(answer.media, offer.media, strict=True)]
    if any(one != other for one, other in kinds):
        return "has its m= lines in another order than the offer", True, "m="
    asked, said = audio(offer), audio(answer)
    if asked is None or said is None or not asked.port:
        return "", False, ""
    if not said.port:
        only = all(not section.port for section in answer.media)
        return ("refuses the audio (port 0)", True, "m=audio") if only else ("", False, "")
    foreign = [text for text in said.formats if text not in asked.formats]
    if foreign and asked.protocol.upper().startswith(("RTP", "UDP")):
        none_common = not set(said.formats) & set(asked.formats)
        return f"has payload types that were not offered: {', '.join(foreign[:5])}", none_common, "m=audio"
    return "", False, ""
