"""Too many calls per second.

Proof: a refusal whose text names the rate; 429; or refusals with 500 or 503 in a second with more new calls than the
profile allows.
Traps: an average over a minute hides it: the fullest second counts. 503 without a word and without a burst is ROUTE-03.
Fix: pace new calls.

Not in the first list of rules: failure mode 6 of the provider's part (twilio.md 4.2).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.reason_text import about, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-10",
    title="Too many new calls per second",
    severity="critical",
    reference="the provider's limits; RFC 3261 section 21.5.4, RFC 6585 section 4",
    fix="Pace new calls in the PBX to the trunk's calls per second, retry with a delay, or raise the limit.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """At most one finding per way of proof."""
    facts = facts_of(trace)
    starts = sorted(
        exchange.request.time
        for exchange in facts.by_method.get("INVITE", ())
        if exchange.request is not None
        and exchange.request.time is not None
        and exchange.initial
        and not exchange.credentials
        and exchange.hop.termination
    )
    limit = trace.profile.limits.calls_per_second
    for exchange in facts.finals(429, 500, 503):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or final.index in facts.hints:
            continue
        burst = _fullest(starts, request.time)
        named = final.status == 429 or about(final) == "rate"
        if not named and not (limit and exchange.hop.termination and burst > limit and not about(final)):
            continue
        yield RULE.finding(
            f"Calls were refused with {reason_text(final)}"
            + (f" in a second with {burst} new calls" if burst > 1 else "")
            + (f"; {trace.profile.title} allows {limit:g} per second." if limit else "."),
            "What counts is the fullest second, and not the average.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request)],
            confidence="strong" if named else "hint",
            key=f"named:{named}",
            values=values_of(exchange.hop, request, final),
        )


def _fullest(starts: list[float], time: float | None) -> int:
    """New calls in the second up to this time."""
    if time is None:
        return 0
    return bisect_right(starts, time + 0.001) - bisect_right(starts, time - 1.0)
