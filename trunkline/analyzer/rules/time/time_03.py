"""A refusal is not acknowledged.

Proof: a 3xx to 6xx to an INVITE is repeated three times or more, and no ACK comes.
Traps: scanners never acknowledge. Over TCP a refusal is not repeated.
Fix: the ACK takes the way of its INVITE.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="TIME-03",
    title="Refusal not acknowledged",
    severity="warn",
    reference="RFC 3261 sections 17.1.1.3 and 17.2.1",
    fix="Send the ACK of a refusal to where the INVITE went, with the same branch.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per caller."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or final is None or final.status < 300 or exchange.transaction.ack or is_scanner(request):
            continue
        repeats = [m for m in exchange.transaction.responses if m.status == final.status and m.duplicate_of is None]
        if len(repeats) < 3:
            continue
        if any(m.method == "ACK" and m.is_request and m.cseq == final.cseq for m in exchange.hop.messages):
            continue
        yield RULE.finding(
            f"The {final.status} to the INVITE from {request.src or 'the caller'} was sent {len(repeats)} times, "
            "and no ACK came.",
            "A refusal is repeated until its ACK comes (Timer G) and given up after 32 s (Timer H).",
            calls=[exchange.id],
            evidence=[quote(message) for message in repeats[:4]],
            key=f"{request.src.ip if request.src else ''}:{final.status}",
            values=values_of(exchange.hop, request, final),
        )
