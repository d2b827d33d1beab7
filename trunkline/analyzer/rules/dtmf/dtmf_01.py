"""telephone-event is not agreed.

Proof: the offer or the answer of an audio call has no telephone-event.
Traps: tones in the audio may be meant: a fact, and critical only where the profile wants RFC 4733.
Fix: RFC 4733 on the trunk and on the phones.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import answered, audio, codecs
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="DTMF-01",
    title="DTMF events (telephone-event) are not agreed",
    severity="critical",
    reference="RFC 4733 sections 2.4 and 2.5.1",
    fix="Set DTMF to RFC 4733 (also called RFC 2833) on both sides.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per side that lacks it."""
    wanted = trace.profile.media.dtmf == "rfc4733"
    for hop, exchange, answer, sdp in answered(facts_of(trace)):
        asked, said = audio(exchange.offer_sdp), audio(sdp)
        if asked is None or said is None or not asked.port or not said.port:
            continue
        if (said.telephone_event and asked.telephone_event) or not codecs(said):
            continue
        ours = not asked.telephone_event
        message = exchange.offer if ours else answer
        if hop.by_provider(message):
            continue
        grave = wanted and hop.dialog.facing == "provider"
        yield RULE.finding(
            f"The {'offer' if ours else 'answer'} of {message.src or 'one side'} has no telephone-event.",
            "Keys pressed in the call then travel as tones in the audio, which compressed codecs damage, or not at "
            "all. Menus and conference PINs do not react.",
            calls=[hop.id],
            evidence=[quote_sdp(message, "m=audio")],
            severity="critical" if grave else "info",
            confidence="proven" if grave else "hint",
            key=f"{message.src.ip if message.src else ''}:{ours}",
            values=values_of(hop, exchange.offer, answer),
        )
