"""A reliable provisional response is not acknowledged.

Proof: 18x with Require: 100rel and RSeq is repeated, no PRACK comes, and the call is then refused or times out.
Traps: a PRACK that is on its way when the capture ends. One repetition may be loss.
Fix: PRACK on both sides, or 100rel not required.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="EARLY-01",
    title="Reliable provisional response not acknowledged",
    severity="critical",
    reference="RFC 3262 sections 3 and 4",
    fix="Support PRACK on both sides, or do not use 100rel towards this one.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per caller's program."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        reliable = [
            message
            for message in exchange.transaction.responses
            if 100 < message.status < 200 and message.has("RSeq") and "100rel" in message.value("Require").lower()
        ]
        if len(reliable) < 3 or any(message.method == "PRACK" for message in exchange.hop.messages):
            continue
        final = exchange.final
        failed = final is None or final.status >= 300
        agent = exchange.request.value("User-Agent") if exchange.request is not None else ""
        yield RULE.finding(
            f"The {reliable[0].status} with RSeq {cut(reliable[0].value('RSeq'), 12)} was sent {len(reliable)} "
            "times and no PRACK came"
            + (f"; the call ended with {final.status}." if final is not None and failed else "."),
            "The callee waits for the PRACK before it goes on, and gives up after 32 s.",
            calls=[exchange.id],
            evidence=[*(quote(message, "RSeq") for message in reliable[:3]), quote(final)],
            severity="critical" if failed else "warn",
            key=agent,
            extension="100rel",
            values=values_of(exchange.hop, exchange.request, final),
        )
