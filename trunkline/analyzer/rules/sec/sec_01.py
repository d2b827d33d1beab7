"""A pattern of toll fraud.

Proof: from one source that the trace does not know otherwise, calls to many international numbers in a short time, most
of them refused; or the same number with many prefixes.
Traps: test tools and dialers: a source that also completes calls or registers is none.
Fix: limits, permissions for destinations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.numbers import digits_of, user_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="SEC-01",
    title="Toll-fraud pattern",
    severity="security",
    reference="RFC 3261 section 26.1",
    fix="Let only known networks call, limit destinations and calls per second, and drop unknown sources.",
    needs=("addresses",),
)
MANY = 10


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per source."""
    facts = facts_of(trace)
    tried: dict[str, list[Exchange]] = defaultdict(list)
    known: set[str] = set()
    for exchange in facts.exchanges:
        request, final = exchange.request, exchange.final
        if request is None or request.src is None or exchange.method not in ("INVITE", "REGISTER"):
            continue
        if final is not None and 200 <= final.status < 300:
            known.add(request.src.ip)
        elif exchange.method == "INVITE" and exchange.initial and len(digits_of(user_of(request.ruri))) >= 9:
            tried[request.src.ip].append(exchange)
    for source, exchanges in tried.items():
        if source in known or len(exchanges) <= MANY or exchanges[0].hop.dialog.facing == "provider":
            continue
        ends: dict[str, set[str]] = defaultdict(set)
        for exchange in exchanges:
            number = digits_of(user_of(exchange.request.ruri)) if exchange.request is not None else ""
            ends[number[-9:]].add(number)
        same = max(ends.values(), key=len)
        if len(same) < 4:
            continue
        yield RULE.finding(
            f"{source} tried {len(exchanges)} calls, one of the numbers with {len(same)} different prefixes, and "
            "none was answered.",
            "Somebody looks for a dialplan that lets expensive calls through.",
            calls=[exchange.id for exchange in exchanges],
            evidence=[quote(exchange.request) for exchange in exchanges[:4]],
            confidence="strong",
            key=source,
        )
