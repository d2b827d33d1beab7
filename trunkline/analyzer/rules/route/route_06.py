"""An extension is required that the other side does not have.

Proof: 420 with Unsupported, or 421 with Require.
Traps: a retry without the extension that succeeds is normal: information then.
Fix: do not require 100rel, timer and the like.
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
    id="ROUTE-06",
    title="Required extension not supported",
    severity="critical",
    reference="RFC 3261 sections 8.2.2.3, 21.4.15 and 21.4.16",
    fix="Support the extension instead of requiring it (or turn it on, for 421).",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per extension."""
    for exchange in facts_of(trace).finals(420, 421):
        request, final = exchange.request, exchange.final
        if request is None or final is None or is_scanner(request):
            continue
        tags = final.value("Unsupported") if final.status == 420 else final.value("Require")
        tags = tags or request.value("Require") or request.value("Proxy-Require")
        retried = any(
            other.final is not None
            and other.final.status < 300
            and other.final.index > final.index
            and other.method == exchange.method
            for other in exchange.hop.after(exchange)
        )
        yield RULE.finding(
            f"{exchange.method} was refused with {final.status}: "
            + (
                f"the other side does not do {cut(tags, 80)!r}."
                if final.status == 420
                else f"it wants {cut(tags, 80)!r}."
            ),
            "A request that requires what the other side cannot do must be refused.",
            calls=[exchange.id],
            evidence=[quote(final, "Unsupported" if final.status == 420 else "Require"), quote(request, "Require")],
            severity="info" if retried else "critical",
            key=f"{final.status}:{tags}",
            extension=cut(tags, 40),
            values=values_of(exchange.hop, request, final),
        )
