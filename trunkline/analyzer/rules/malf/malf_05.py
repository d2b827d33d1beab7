"""Not SIP, or fuzz.

Proof: datagrams on a SIP port that are neither SIP nor anything else that belongs there, or messages with NUL bytes or
numbers that nobody can mean.
Traps: CRLF keep-alives and STUN on the same port are fine.
Fix: drop unknown sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from trunkline.analyzer.model.capture import RawMessage
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.quote import quote, quote_place
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MALF-05",
    title="Not SIP, or fuzzed input",
    severity="security",
    reference="RFC 3261 section 25.1, RFC 4475 section 3.1.2",
    fix="Let only known networks reach the SIP port.",
)
KINDS = ("nul", "method", "status", "number", "start_line")


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per source and kind."""
    sources: dict[str, list[RawMessage]] = defaultdict(list)
    for raw in trace.capture.not_sip:
        sources[raw.src.ip if raw.src is not None else "an unknown address"].append(raw)
    for source, raws in sources.items():
        first = raws[0]
        yield RULE.finding(
            f"{source} sent {len(raws)} datagrams to a SIP port that are not SIP.",
            "Scanners and fuzzers do that; so does a device with the wrong port.",
            evidence=[quote_place(first.place, "start line", first.data[:80].decode("latin-1"), first.time)],
            severity="security" if len(raws) > 3 else "info",
            confidence="hint",
            key=source,
        )
    for message in trace.messages:
        problem = next((problem for problem in message.problems if problem.kind in KINDS), None)
        if problem is None or message.raw.truncated or message.raw.source == "text":
            continue
        source = message.src.ip if message.src is not None else "an unknown address"
        yield RULE.finding(
            f"A message from {source} is broken: {problem.text}.",
            "Telephones hardly ever send this; programs that look for weak parsers do.",
            evidence=[quote(message)],
            confidence="hint",
            key=f"{source}:{problem.kind}",
        )
