"""A request was repeated although it was answered.

Proof: the request was sent two times or more before the first response (or after it), and an answer came.
Traps: copies by the capture (CAP-03) do not count; a slow database answers after 0.6 s: once is information.
Fix: loss in the network, CPU, 100 at once.
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
    id="TIME-02",
    title="Requests repeated before they were answered",
    severity="warn",
    reference="RFC 3261 sections 17.1.1.2 and 17.1.2.2",
    fix="Look for packet loss and a slow server; let it send 100 Trying at once.",
    needs=("time", "both_directions"),
)
T1 = 0.4
"""A little below T1 = 0.5 s: what comes sooner is a copy and not a retransmission."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server and method."""
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        sends = [m for m in exchange.transaction.requests if m.duplicate_of is None]
        first = next((m for m in exchange.transaction.responses if m.duplicate_of is None), None)
        if request is None or len(sends) < 2 or first is None or request.time is None or first.time is None:
            continue
        again = [m for m in sends[1:] if m.time is not None and m.time - request.time >= T1]
        if not again or exchange.method in ("ACK", "CANCEL") or is_scanner(request):
            continue
        delay = first.time - request.time
        many = len(again) >= 2
        unheard = again[0].index > first.index
        yield RULE.finding(
            f"{exchange.method} to {request.dst or 'the server'} was sent {len(again) + 1} times; the first answer "
            f"({first.status}) came after {delay:.1f} s"
            + (", ahead of the repetition: it did not reach the sender, or was not understood." if unheard else "."),
            "The sender repeats a request when no answer has come within 0.5 s: packets are lost, or the server "
            "is slow.",
            calls=[exchange.id],
            evidence=[quote(request), quote(again[0]), quote(first)],
            severity="warn" if many else "info",
            key=f"{exchange.method}:{_origin(exchange, request)}:{many}",
            method=exchange.method,
            values=values_of(exchange.hop, request, first),
        )


def _origin(exchange: Exchange, request: Message) -> str:
    """Who repeated it first: a proxy that passes each repetition on is not another fault."""
    hop = exchange.hop
    for dialog in hop.call.dialogs:
        if dialog is hop.dialog or dialog.call_id != request.call_id:
            continue
        for transaction in dialog.transactions:
            sent = transaction.request
            if (
                sent is not None
                and len(transaction.requests) > 1
                and sent.index < request.index
                and (sent.method, sent.cseq, sent.from_tag) == (request.method, request.cseq, request.from_tag)
                and sent.dst is not None
                and request.src is not None
                and sent.dst.ip == request.src.ip
            ):
                return sent.dst.ip
    return request.dst.ip if request.dst is not None else ""
