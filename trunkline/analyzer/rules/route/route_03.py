"""The provider or the next hop is overloaded or not there.

Proof: 500, 502, 503 or 504 to a call.
Traps: an own proxy says 503 when it has no gateway left: the hop nearest to the cause is named. Limits of the trunk are
ROUTE-10 and ROUTE-11, DNS is ROUTE-04.
Fix: failover to a second address.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.numbers import user_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import about, names_dns, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-03",
    title="Provider or next hop overloaded or unavailable",
    severity="warn",
    reference="RFC 3261 sections 21.5.1 and 21.5.4, RFC 3263 section 4.3",
    fix="Let the PBX fail over to a second address of the provider (DNS SRV or a second route).",
)
ELSEWHERE = ("rate", "channels", "permission", "funds", "caller_id", "security")


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server and status; of several hops of a call only the one nearest to the cause."""
    facts = facts_of(trace)
    found = [
        exchange
        for exchange in facts.finals(500, 502, 503, 504)
        if exchange.method == "INVITE" and exchange.initial and exchange.final is not None
    ]
    last: dict[str, Exchange] = {}
    for exchange in found:
        before = last.get(exchange.id)
        if before is None or (
            exchange.request is not None
            and before.request is not None
            and exchange.request.index > before.request.index
        ):
            last[exchange.id] = exchange
    for exchange in last.values():
        request, final = exchange.request, exchange.final
        if (
            request is None
            or final is None
            or final.index in facts.hints
            or about(final) in ELSEWHERE
            or names_dns(final)
        ):
            continue
        server = final.src.ip if final.src is not None else "the next hop"
        later = exchange.hop.call.answered is not None
        retry = final.value("Retry-After")
        yield RULE.finding(
            f"{server} answered {reason_text(final)} to the call to {cut(user_of(request.ruri), 40) or 'it'}"
            + (f", after {exchange.delay:.1f} s" if exchange.delay is not None and exchange.delay > 5 else "")
            + (f"; Retry-After: {cut(retry, 20)}" if retry else "")
            + (". A later try was answered." if later else "."),
            "The server could not take the call now. Another address of the provider may.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request)],
            severity="info" if later else "warn",
            key=f"{server}:{final.status}:{later}",
            values=values_of(exchange.hop, request, final),
        )
