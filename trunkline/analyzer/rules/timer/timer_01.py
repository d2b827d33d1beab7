"""422: the session interval is too small.

Proof: 422 with Min-SE.
Traps: a retry with a larger interval is normal: information then; critical where none follows.
Fix: session interval of at least Min-SE.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="TIMER-01",
    title="Session interval too small",
    severity="warn",
    reference="RFC 4028 sections 6 and 7.3",
    fix="Set the session interval to at least the Min-SE that the other side names, or turn session timers off.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per Min-SE."""
    for exchange in facts_of(trace).finals(422):
        request, final = exchange.request, exchange.final
        if final is None:
            continue
        later = [
            other
            for other in exchange.hop.after(exchange)
            if other.request is not None and other.request.index > final.index and other.method == exchange.method
        ]
        smallest = final.value("Min-SE").partition(";")[0].strip()
        asked = (request.value("Session-Expires") if request is not None else "").partition(";")[0].strip()
        gone = not later and not trace.one_sided and waited(trace, final.time, 4.0)
        yield RULE.finding(
            f"{exchange.method} was refused with 422"
            + (f": it asks for {cut(asked, 12)} s" if asked else "")
            + (f", the other side wants at least {cut(smallest, 12)} s" if smallest else "")
            + ("; a new try followed." if later else "; no new try followed." if gone else "."),
            "The caller has to try again with the larger interval; one that does not loses the call.",
            calls=[exchange.id],
            evidence=[quote(final, "Min-SE"), quote(request, "Session-Expires")],
            severity="critical" if gone else "warn",
            key=f"{smallest}:{bool(later)}",
            min_se=smallest,
            expires=smallest,
            values=values_of(exchange.hop, request, final),
        )
