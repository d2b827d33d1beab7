"""The answer crosses the CANCEL.

Proof: a 200 to the INVITE comes although a CANCEL was sent.
Traps: the caller has to send ACK and BYE; a missing BYE is DLG-05.
Fix: none.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import bye_of
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CANCEL-03",
    title="Answer and CANCEL crossed",
    severity="info",
    reference="RFC 3261 sections 9.1 and 15",
    fix="Nothing has to be done, as long as the caller sends ACK and BYE.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding for all."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        cancel, final = exchange.transaction.cancel, exchange.final
        if cancel is None or final is None or not 200 <= final.status < 300:
            continue
        bye = bye_of(exchange.hop)
        left = bye is None and not trace.one_sided and waited(trace, final.time, 5.0)
        yield RULE.finding(
            "The callee answered at the moment when the caller gave up." + (" No BYE followed." if left else ""),
            "The CANCEL came too late; the caller now has to end the call with ACK and BYE.",
            calls=[exchange.id],
            evidence=[quote(cancel), quote(final)],
            severity="warn" if left else "info",
            key=f"left:{left}",
        )
