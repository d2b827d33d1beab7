"""The INVITE with credentials has the CSeq of the one that was challenged.

Proof: both are in the trace, with the same Call-ID and CSeq number and different branches, and the second was refused
(400, 482, 500) or not answered.
Traps: servers that look away accept it: then it is no finding.
Fix: count CSeq up for the retry (in Kamailio, uac_auth() needs the dialog module's CSeq tracking).

Not in the first list of rules: variant (c) of failure mode 2 of the provider's part (twilio.md 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of, waited
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="AUTH-15",
    title="CSeq was not counted up for the request with credentials",
    severity="critical",
    reference="RFC 3261 section 22.2",
    fix="Count CSeq up when a request is sent again with credentials.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per dialog."""
    facts = facts_of(trace)
    # Few dialogs have one: the others, of which a scanner's are long, need no look at each pair.
    suspect = {id(exchange.hop) for exchange in facts.exchanges if _failed(trace, exchange)}
    for exchange in facts.finals(401, 407):
        first, final = exchange.request, exchange.final
        if first is None or final is None or id(exchange.hop) not in suspect:
            continue
        for other in exchange.hop.after(exchange):
            again = other.request
            if again is None or again.index < final.index or again.method != first.method:
                continue
            if again.cseq != first.cseq or again.from_tag != first.from_tag or not _failed(trace, other):
                continue
            yield RULE.finding(
                f"The {again.method} with credentials has CSeq {again.cseq}, as the one that was challenged, and was "
                + (f"refused with {reason_text(other.final)}." if other.final is not None else "never answered."),
                "To the server a request with the same Call-ID, From tag and CSeq is a copy of the old one, not "
                "a new one.",
                calls=[exchange.id],
                evidence=[quote(again, "CSeq"), quote(first, "CSeq")],
                confidence="strong",
                key=first.value("User-Agent"),
                values=values_of(exchange.hop, again, other.final),
            )


def _failed(trace: Trace, exchange: Exchange) -> bool:
    """A request with credentials that was refused as a copy is, or not answered at all."""
    if not exchange.credentials or exchange.request is None:
        return False
    if exchange.final is not None:
        return exchange.final.status in (400, 482, 500)
    return not exchange.transaction.responses and waited(trace, exchange.request.time, 5.0)
