"""A mandatory header is missing or stands twice.

Proof: no Via, From, To, Call-ID or CSeq, or two of a header that may stand once.
Traps: compact names, folding, any case, blanks before the colon are legal. A cut message has lost what is behind the
cut. Max-Forwards is missing in old programs that work: a hint.
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
    id="MALF-01",
    title="Mandatory header missing or duplicated",
    severity="critical",
    reference="RFC 3261 sections 8.1.1 and 7.3.1",
    fix="Update or fix the program that sends this message.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and header."""
    facts = facts_of(trace)
    for message in trace.messages:
        if not message.problems or message.raw.truncated or is_scanner(message) or message.duplicate_of is not None:
            continue
        found: dict[tuple[bool, bool], list[str]] = {}
        for problem in message.problems:
            if problem.kind in ("missing_header", "duplicate_header"):
                place = problem.kind == "missing_header", problem.text == "Max-Forwards"
                found.setdefault(place, []).append(problem.text)
        for (missing, light), names in found.items():
            # Without a name it is the host: a program that opens a new port for each message is one program.
            host = message.src.ip if message.src is not None else "a sender"
            agent = message.value("User-Agent") or message.value("Server") or host
            name = message.method if message.is_request else f"{message.status} to {message.cseq_method or 'a request'}"
            yield RULE.finding(
                f"{cut(name, 40)} of {cut(agent, 60)} has {'no' if missing else 'two'} {cut(', '.join(names), 80)}.",
                "Strict servers refuse such a message with 400, or drop it.",
                calls=facts.calls_of(message),
                evidence=[quote(message, "" if missing else names[0])],
                severity="info" if light else "critical",
                key=f"{agent}:{missing}:{','.join(names)}",
                user_agent=cut(agent, 60),
            )
