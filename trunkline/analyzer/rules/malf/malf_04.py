"""CSeq names another method than the request line.

Proof: both are in the message.
Traps: none.
Fix: the user agent.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner

RULE = Rule(
    id="MALF-04",
    title="CSeq method differs from the request",
    severity="critical",
    reference="RFC 3261 section 8.1.1.5",
    fix="Update or fix the program that sends this message.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    facts = facts_of(trace)
    for message in trace.messages:
        if not any(problem.kind == "cseq_method" for problem in message.problems) or is_scanner(message):
            continue
        agent = message.value("User-Agent") or str(message.src or "a sender")
        yield RULE.finding(
            f"{cut(message.method, 20)} of {cut(agent, 60)} has CSeq {cut(message.value('CSeq'), 40)}.",
            "Servers must refuse it with 400.",
            calls=facts.calls_of(message),
            evidence=[quote(message, "CSeq"), quote(message)],
            key=agent,
            user_agent=cut(agent, 60),
        )
