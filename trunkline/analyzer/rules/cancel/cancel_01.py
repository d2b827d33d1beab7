"""It rang, nobody answered, the caller gave up.

Proof: CANCEL, and 487 to the INVITE.
Traps: normal.
Fix: the time of ringing, if it is too short.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CANCEL-01",
    title="Not answered, given up by the caller",
    severity="info",
    reference="RFC 3261 section 9.1",
    fix="Nothing has to be done, unless the PBX stops ringing too early.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding for all."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        cancel = exchange.transaction.cancel
        if cancel is None or exchange.final is None or exchange.final.status != 487:
            continue
        start = exchange.request.time if exchange.request is not None else None
        ring = f" after {cancel.time - start:.0f} s" if start is not None and cancel.time is not None else ""
        yield RULE.finding(
            f"The caller gave up{ring}.",
            "That is how a call ends that nobody answers.",
            calls=[exchange.id],
            evidence=[quote(cancel), quote(exchange.final)],
            key="487",
        )
