"""Content-Length is wrong.

Proof: it says more than came, or (over TCP, or by what stands behind) less.
Traps: cut frames; text logs and HEP may change line ends: not judged there. It may be absent over UDP. Blanks and line
ends behind the body are harmless. Where only the last line end is missing and the call goes on, nobody minded.
Fix: ALG, or the user agent.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding, Severity
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner

RULE = Rule(
    id="MALF-02",
    title="Content-Length is wrong",
    severity="critical",
    reference="RFC 3261 sections 18.3 and 20.14",
    fix="Turn SIP ALG off in the router; else update the program that sends this message.",
)
KINDS = {
    "content_length": "is no number",
    "content_length_large": "says more than came",
    "content_length_small": "says less than came",
}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and kind."""
    facts = facts_of(trace)
    for message in trace.messages:
        if not message.problems or message.raw.truncated or message.raw.source != "packet" or is_scanner(message):
            continue
        kind = next((problem.kind for problem in message.problems if problem.kind in KINDS), "")
        if not kind or message.duplicate_of is not None:
            continue
        source = str(message.src.ip if message.src else "the sender")
        yield RULE.finding(
            f"Content-Length of {message.method or 'a message'} from {source} is "
            f"{cut(message.value('Content-Length'), 20)}, which "
            f"{KINDS[kind]}.",
            "The receiver cuts the body, refuses the message with 400, or (over TCP) loses its place in the stream.",
            calls=facts.calls_of(message),
            evidence=[quote(message, "Content-Length")],
            severity=_gravity(kind, message),
            key=f"{source}:{kind}",
        )


def _gravity(kind: str, message: Message) -> Severity:
    if kind == "content_length_large" and message.raw.transport == "udp":
        said = message.value("Content-Length").strip()
        if said.isdigit() and len(said) < 8 and int(said) - len(message.body) <= 2:
            return "info"
    return "critical" if kind != "content_length_small" or _cuts_sdp(message) else "warn"


def _cuts_sdp(message: Message) -> bool:
    """Whether what is left of the body is no whole SDP any more."""
    return message.sdp is not None and bool(message.sdp.problems)
