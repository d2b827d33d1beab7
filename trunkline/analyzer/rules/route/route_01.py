"""A loop: 482, 483, or a request that comes by again.

Proof: 482 Loop Detected or 483 Too Many Hops; or the same request (Call-ID, CSeq, From tag, Request-URI) arrives at the
same host again with a lower Max-Forwards.
Traps: a spiral (another Request-URI) is legal. `482 (Merged Request)` is what forking behind a proxy gives: no loop.
Fix: the domain or address must be known as its own to the proxy or registrar; break the forwarding rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="ROUTE-01",
    title="Loop",
    severity="critical",
    reference="RFC 3261 sections 16.3 and 21.4.20, RFC 5393",
    fix="Make the proxy know its own domain and addresses, and break the forwarding that sends the call back.",
)
Key = tuple[str, int, str, str, str]


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per Request-URI."""
    facts = facts_of(trace)
    for exchange in facts.finals(482, 483):
        request, final = exchange.request, exchange.final
        if (
            request is None
            or final is None
            or "merge" in final.reason.lower()
            or exchange.method not in ("INVITE", "REGISTER")
        ):
            continue
        if is_scanner(request) or (request.value("Max-Forwards").strip() in ("0", "1") and len(request.vias) < 3):
            continue
        yield RULE.finding(
            f"{exchange.method} to {cut(request.ruri, 80)} was answered {reason_text(final)}.",
            "The request came back to a server that had it already, or ran through too many servers.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request, "Max-Forwards")],
            confidence="strong",
            key=request.ruri,
            values=values_of(exchange.hop, request, final),
        )
    yield from _seen_again(trace)


def _seen_again(trace: Trace) -> Iterator[Finding]:
    first: dict[Key, Message] = {}
    told: set[Key] = set()
    calls = {id(message): hop.id for hop in facts_of(trace).hops for message in hop.messages}
    for message in trace.messages:
        if (
            message.method != "INVITE"
            or not message.is_request
            or message.dst is None
            or message.duplicate_of is not None
        ):
            continue
        key = message.call_id, message.cseq, message.from_tag, message.ruri, str(message.dst)
        before = first.setdefault(key, message)
        was, now = before.value("Max-Forwards").strip(), message.value("Max-Forwards").strip()
        if before is message or key in told or not (was.isdigit() and now.isdigit() and len(was + now) < 8):
            continue
        if int(now) >= int(was) or len(message.vias) <= len(before.vias):
            continue
        told.add(key)
        yield RULE.finding(
            f"The INVITE to {cut(message.ruri, 80)} reached {message.dst} twice, with Max-Forwards {was} and then "
            f"{now}.",
            "The request went round and came back unchanged; it goes on until Max-Forwards is used up.",
            calls=[calls.get(id(message), "")] if id(message) in calls else [],
            evidence=[quote(before, "Max-Forwards"), quote(message, "Max-Forwards")],
            key=message.ruri,
        )
