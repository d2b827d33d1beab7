"""No final response after 100.

Proof: an INVITE gets 100 and nothing else; then the caller gives up (CANCEL) after 30 s or more, 408 or 504
comes after 10 s or more, or the trace goes on for 30 s.
Traps: it did ring (18x): that is a call nobody answered. A re-INVITE that gets no answer leaves the call as it was.
Fix: what is behind the server is dead: failover, shorter timer.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="TIME-01",
    title="No final response after 100 Trying",
    severity="critical",
    reference="RFC 3261 sections 16.7 and 17.1.1.2",
    fix="Fail over to another route earlier; behind the server that said 100 nobody answers.",
    needs=("time", "both_directions"),
)
PATIENCE, LONG = 10.0, 30.0
"""Seconds: until the server itself gives up; until a caller does, or the trace is over."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        responses = exchange.transaction.responses
        if request is None or request.time is None or not any(m.status == 100 for m in responses) or exchange.rang:
            continue
        if any(m.status == 199 or 180 <= m.status < 200 for m in responses):
            continue
        if final is not None and final.status not in (408, 487, 504):
            continue
        end = _given_up(exchange) or (final.time if final is not None else None)
        over = bye_time(exchange) if request.to_tag else None
        spent = (end if end is not None else over or trace.end or request.time) - request.time
        if spent < (PATIENCE if final is not None and final.status != 487 else LONG):
            continue
        server = responses[0].src.ip if responses[0].src is not None else "the next server"
        yield RULE.finding(
            f"{server} said 100 Trying to {'a re-INVITE' if request.to_tag else 'the INVITE'} and nothing else for "
            f"{spent:.0f} s"
            + (f", then {final.status}." if final is not None else "; the caller gave up." if end is not None else "."),
            "100 only says that the request has arrived. Whatever is behind that server does not answer.",
            calls=[exchange.id],
            evidence=[quote(responses[0]), quote(exchange.transaction.cancel), quote(final)],
            severity="warn" if request.to_tag else "critical",
            confidence="strong",
            key=f"{server}:{bool(request.to_tag)}",
            values=values_of(exchange.hop, request, final),
        )


def _given_up(exchange: Exchange) -> float | None:
    cancel = exchange.transaction.cancel
    return cancel.time if cancel is not None else None


def bye_time(exchange: Exchange) -> float | None:
    """When the call ended, after which nobody waits for an answer."""
    return next((e.request.time for e in exchange.hop.exchanges if e.method == "BYE" and e.request is not None), None)
