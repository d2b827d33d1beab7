"""The BYE is not answered, or rejected.

Proof: BYE repeated three times or more without an answer, or answered 408, 481 or 5xx.
Traps: 481 where both sides hung up at once is normal, so is a BYE that repeats one which was answered.
Fix: Contact, Route and CSeq of the BYE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="DLG-04",
    title="BYE unanswered or rejected",
    severity="critical",
    reference="RFC 3261 sections 15.1 and 17.1.2.2",
    fix="Send BYE to the Contact by the route set, with a rising CSeq; until then the call is billed.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per target and result."""
    byes = facts_of(trace).by_method.get("BYE", [])
    of_hop = Counter(id(exchange.hop) for exchange in byes)
    ended = {id(bye.hop): bye for bye in byes if bye.final is not None and bye.final.status < 300}
    for exchange in byes:
        request, final = exchange.request, exchange.final
        if request is None or is_scanner(request):
            continue
        others = of_hop[id(exchange.hop)] > 1
        if id(exchange.hop) in ended:
            continue
        target = str(request.dst or split_uri(request.ruri)[1])
        sends = [message for message in exchange.transaction.requests if message.duplicate_of is None]
        if final is None:
            if exchange.transaction.responses or len(sends) < 3 or others:
                continue
            result = f"was sent {len(sends)} times without an answer"
        elif final.status in (408, 481) or final.status >= 500:
            if others or _challenged(exchange):
                continue
            result = f"was answered {reason_text(final)}"
        else:
            continue
        yield RULE.finding(
            f"BYE to {target} {result}.",
            "The other side may not know that the call is over: it keeps the line, and the provider keeps billing.",
            calls=[exchange.id],
            evidence=[*(quote(message) for message in sends[:2]), quote(final)],
            severity="critical" if final is None else "warn",
            confidence="proven" if final is None else "strong",
            key=f"{target}:{final.status if final else 0}",
            values=values_of(exchange.hop, request, final),
        )


def _challenged(exchange: Exchange) -> bool:
    return exchange.final is not None and exchange.final.status in (401, 407)
