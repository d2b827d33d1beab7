"""The call was refused, and nothing else in the trace says why.

Proof: an INVITE that was to begin a call got a final response of 4xx, 5xx or 6xx that no other rule explains.
Traps: challenges, busy, no answer and cancelled calls are no refusals; where any other finding explains the call, this
one is left out (`suppression.py`).
Fix: whoever runs the server that refused knows; the trace gives what they ask for.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="ROUTE-14",
    title="Call refused, and the trace does not say why",
    severity="warn",
    reference="RFC 3261 section 21",
    fix="Ask whoever runs the server that refused; give them the Call-ID and the time.",
    needs=("both_directions",),
)
NO_REFUSAL = (401, 407, 422, 480, 486, 487, 491, 600)
"""Challenges, a session timer to be changed, nobody there, busy, cancelled."""
MEANS = {
    400: "The server could not read the request, or does not accept it as it is: compare it with one that it takes.",
    403: "The server understood and does not want this call: a permission, the caller, or a rule of its own.",
    404: "The server knows no such user or number.",
    408: "The server found nobody who answered in time.",
}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server and status: the hop where the refusal comes from."""
    told: dict[tuple[str, int], Exchange] = {}
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or final is None or final.status < 400 or final.status in NO_REFUSAL:
            continue
        if not exchange.initial or exchange.hop.dialog.begun_before_capture or is_scanner(request):
            continue
        key = request.call_id, request.cseq
        if key not in told or final.index < _index(told[key]):
            told[key] = exchange
    for exchange in told.values():
        request, final = exchange.request, exchange.final
        if request is None or final is None:
            continue
        server, called = final.src or "the server", split_uri(request.ruri)[0] or request.ruri
        yield RULE.finding(
            f"{server} refused the call to {cut(called, 60)}: {reason_text(final)}.",
            MEANS.get(final.status, "The answer itself gives no more than its code.")
            + " Nothing else in the trace explains it.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request)],
            key=f"{final.src.ip if final.src else ''}:{final.status}",
            values=values_of(exchange.hop, request, final),
        )


def _index(exchange: Exchange) -> int:
    return exchange.final.index if exchange.final is not None else 0
