"""Via without rport behind NAT.

Proof: the top Via of a request names a private address and has no rport, the request goes to a public one, and no reply
was seen although the request was repeated, or the reply went to the port in the Via and not to the one that was used.
Traps: a NAT that keeps ports works by luck: then it is no finding. Reliable transports need no rport.
Fix: rport on.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private, is_public, same_host
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message, Via
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NAT-01",
    title="Via without rport behind NAT",
    severity="critical",
    reference="RFC 3581 sections 3 and 4, RFC 3261 section 18.2.2",
    fix="Turn rport on in the client, or force it at the server.",
    needs=("addresses", "both_directions"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per client."""
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        if (
            request is None
            or not request.vias
            or request.raw.transport != "udp"
            or request.src is None
            or request.dst is None
        ):
            continue
        via = request.vias[0]
        if "rport" in via.params or exchange.method == "ACK" or is_scanner(request):
            continue
        if not is_public(request.dst.ip) or not _behind_nat(request, via):
            continue
        replies = exchange.transaction.responses
        lost = not replies and len(exchange.transaction.requests) >= 3
        astray = [m for m in replies if m.dst is not None and m.dst != request.src and m.dst.port == (via.port or 5060)]
        if not lost and not (astray and len(exchange.transaction.requests) >= 2):
            continue
        yield RULE.finding(
            f"The Via of {request.src} names {via.host}:{via.port or 5060} and has no rport; "
            + ("no reply was seen." if lost else f"replies went to {astray[0].dst}."),
            "Without rport the reply goes to the port in the Via, and the NAT has opened another one.",
            calls=[exchange.id],
            evidence=[quote(request, "Via"), quote(astray[0]) if astray else None],
            confidence="hint" if lost else "strong",
            key=request.src.ip,
            values=values_of(exchange.hop, request),
        )


def _behind_nat(request: Message, via: Via) -> bool:
    assert request.src is not None
    other = not same_host(via.host, request.src.ip) or (via.port or 5060) != request.src.port
    return is_private(via.host) and (other or is_private(request.src.ip))
