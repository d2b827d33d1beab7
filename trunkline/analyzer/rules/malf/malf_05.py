"""Not SIP, or fuzz.

Proof: datagrams on a SIP port that are neither SIP nor anything else that belongs there, or messages with NUL bytes or
numbers that nobody can mean.
Traps: CRLF keep-alives and STUN on the same port are fine. Some telephones keep their binding open with a word of their
own (`hello`, `jaK`): short, and from a peer that speaks SIP.
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
KEEP_ALIVE = 16
"""Bytes that such a word has at most."""
KINDS = ("nul", "method", "status", "number", "start_line")


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per source and kind."""
    sources: dict[str, list[RawMessage]] = defaultdict(list)
    for raw in trace.capture.not_sip:
        sources[raw.src.ip if raw.src is not None else "an unknown address"].append(raw)
    peers = {message.src.ip for message in trace.messages if message.src is not None and not message.problems}
    for source, raws in sources.items():
        first = raws[0]
        alive = source in peers and all(len(raw.data) <= KEEP_ALIVE for raw in raws)
        yield RULE.finding(
            f"{source} sent {len(raws)} datagrams to a SIP port that are not SIP.",
            "They are short and come from a peer that speaks SIP: keep-alives of its own kind."
            if alive
            else "Scanners and fuzzers do that; so does a device with the wrong port.",
            evidence=[quote_place(first.place, "start line", first.data[:80].decode("latin-1"), first.time)],
            severity="security" if len(raws) > 3 and not alive else "info",
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
