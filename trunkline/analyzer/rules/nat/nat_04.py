"""A reply goes to another place than the request came from.

Proof: the response's destination differs from the request's source.
Traps: without rport the port in the Via is right; received, maddr and a Via that names another host explain it. Only a
request that is repeated after its reply shows that the reply did not arrive.
Fix: rport forced at the server.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import same_host
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NAT-04",
    title="Reply sent to another address than the request came from",
    severity="critical",
    reference="RFC 3261 section 18.2.2, RFC 3581 section 4",
    fix="Let the server answer to where the request came from (force rport), from the address it was sent to.",
    needs=("addresses", "both_directions"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per client."""
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        if request is None or request.src is None or request.raw.transport != "udp" or not request.vias:
            continue
        replies = [m for m in exchange.transaction.responses if m.duplicate_of is None]
        first = replies[0] if replies else None
        if first is None or first.dst is None or first.dst == request.src:
            continue
        via = request.vias[0]
        asked = "rport" in via.params
        again = [m for m in exchange.transaction.requests if m.index > first.index and m.duplicate_of is None]
        if "maddr" in via.params or len(again) < 2 or any(m.dst == request.src for m in replies):
            continue
        if not asked and first.dst.port == (via.port or 5060) and same_host(first.dst.ip, request.src.ip):
            continue
        yield RULE.finding(
            f"{exchange.method} came from {request.src}, the reply went to {first.dst}, and the request was repeated.",
            "The reply does not pass the NAT, or no program listens where it arrives: to the sender nobody answers."
            + (" The request asked for rport." if asked else ""),
            calls=[exchange.id],
            evidence=[quote(first), quote(request, "Via"), quote(again[0])],
            confidence="proven" if asked else "strong",
            key=str(request.src.ip),
            values=values_of(exchange.hop, request, first),
        )
