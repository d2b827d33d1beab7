"""A Via branch is of the old form, or is used again.

Proof: the top Via of a request has no branch with z9hG4bK; or two different requests (other CSeq) share one.
Traps: ACK of a refusal and CANCEL share the branch of their INVITE. RFC 2543 programs still work: a remark.
Fix: the user agent.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner

RULE = Rule(
    id="MALF-03",
    title="Branch without z9hG4bK or used again",
    severity="warn",
    reference="RFC 3261 sections 8.1.1.7 and 17.2.3",
    fix="Update or fix the program that sends this message.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and kind."""
    facts = facts_of(trace)
    used: dict[tuple[str, str, int | None], Message] = {}
    for message in trace.messages:
        if (
            not message.is_request
            or not message.vias
            or message.method in ("ACK", "CANCEL")
            or message.duplicate_of is not None
        ):
            continue
        via = message.vias[0]
        if is_scanner(message):
            continue
        branch = via.branch
        if not branch.startswith("z9hG4bK"):
            if not message.raw.truncated:
                agent = _agent(message)
                yield RULE.finding(
                    f"{message.method} of {cut(agent, 60)} has the branch {cut(branch, 40) or '(none)'}.",
                    "Without z9hG4bK servers fall back to the matching of 1999, which mixes up transactions "
                    "behind proxies.",
                    calls=facts.calls_of(message),
                    evidence=[quote(message, "Via")],
                    severity="info",
                    key=f"old:{agent}",
                    user_agent=cut(agent, 60),
                )
            continue
        key = branch, via.host, via.port
        before = used.setdefault(key, message)
        if before is message or (before.cseq, before.method, before.call_id) == (
            message.cseq,
            message.method,
            message.call_id,
        ):
            continue
        agent = _agent(message)
        yield RULE.finding(
            f"{cut(agent, 60)} used the branch {cut(branch, 60)} for {before.method} and again for {message.method}.",
            "The branch names the transaction. A server takes the second request for a repetition of the first.",
            calls=facts.calls_of(message),
            evidence=[quote(before, "Via"), quote(message, "Via")],
            key=f"again:{agent}",
            user_agent=cut(agent, 60),
        )


def _agent(message: Message) -> str:
    return message.value("User-Agent") or str(message.src or "a sender")
