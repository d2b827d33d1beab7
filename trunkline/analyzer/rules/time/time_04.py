"""A message is sent again and again at once.

Proof: the same request, or the same final response, five times or more within half a second between the same two
addresses, each in a packet of its own.
Traps: copies by the capture (CAP-03) do not count, nor does ACK, which answers each 2xx. A response that is sent once
for each copy of the request is right.
Fix: the program that sends it; what doubles packets on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="TIME-04",
    title="The same message many times at once",
    severity="warn",
    reference="RFC 3261 sections 13.3.1.4, 17.1.1.2 and 17.2.1",
    fix="Update or fix the program that sends it, and look for a loop or a bond of links that doubles packets.",
    needs=("time", "both_directions"),
)
T1 = 0.5
"""Seconds. The first repetition comes after so long, and each further one later."""
MANY = 5


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and message."""
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        sent = len(exchange.transaction.requests) + len(exchange.transaction.responses)
        if sent <= MANY or exchange.method == "ACK" or request is None or is_scanner(request):
            continue
        for burst in _bursts(exchange):
            first = burst[0]
            name = exchange.method if first.is_request else f"{first.status} to {exchange.method}"
            took = (burst[-1].time or 0.0) - (first.time or 0.0)
            yield RULE.finding(
                f"{first.src or 'The sender'} sent the same {name} {len(burst)} times within {took:.2f} s.",
                "A message is repeated after 0.5 s at the earliest, and then ever more slowly. A burst loads the other "
                "side, and devices that count packets take it for an attack.",
                calls=[exchange.id],
                evidence=[quote(first), quote(burst[-1])],
                key=f"{first.src.ip if first.src else ''}:{name}",
                values=values_of(exchange.hop, request, first),
            )


def _bursts(exchange: Exchange) -> Iterator[list[Message]]:
    """The longest of the request, and that of the final response where there are not as many requests."""
    transaction, final = exchange.transaction, exchange.final
    asked = _longest([m for m in transaction.requests if m.duplicate_of is None])
    if len(asked) >= MANY:
        yield asked
    if final is None:
        return
    alike = [m for m in transaction.responses if (m.status, m.to_tag) == (final.status, final.to_tag)]
    answered = _longest([m for m in alike if m.duplicate_of is None and m.src == final.src])
    if len(answered) >= MANY and len(answered) > 2 * len(asked):
        yield answered


def _longest(messages: list[Message]) -> list[Message]:
    """The most of them that lie within T1."""
    timed = [message for message in messages if message.time is not None]
    best: list[Message] = []
    begin = 0
    for end, message in enumerate(timed):
        while (message.time or 0.0) - (timed[begin].time or 0.0) > T1:
            begin += 1
        if end - begin + 1 > len(best):
            best = timed[begin : end + 1]
    return best
