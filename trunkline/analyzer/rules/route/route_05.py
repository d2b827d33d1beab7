"""A method is not allowed or not implemented.

Proof: 405 or 501.
Traps: to an OPTIONS it still proves that the other side is alive. REFER and INFO are XFER-01 and DTMF-02.
Fix: turn the method off that nobody needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-05",
    title="Method not allowed or not implemented",
    severity="info",
    reference="RFC 3261 sections 8.2.1, 21.4.6 and 21.5.2",
    fix="Turn off what sends this method to the trunk, unless it is an OPTIONS that only asks whether it is alive.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per method and server."""
    for exchange in facts_of(trace).finals(405, 501):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method in ("REFER", "INFO") or is_scanner(request):
            continue
        server = final.src.ip if final.src is not None else "The other side"
        allowed = final.value("Allow")
        yield RULE.finding(
            f"{server} answered {final.status} to {exchange.method}."
            + (f" It allows {cut(allowed, 120)}." if allowed else ""),
            "It is alive, which is all that OPTIONS asks." if exchange.method == "OPTIONS" else "It does not do this.",
            calls=[exchange.id],
            evidence=[quote(final, "Allow"), quote(request)],
            severity="warn" if exchange.method == "INVITE" else "info",
            key=f"{exchange.method}:{server}",
            method=exchange.method,
            values=values_of(exchange.hop, request, final),
        )
