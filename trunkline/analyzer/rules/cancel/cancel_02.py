"""The CANCEL is not answered, or answered 481.

Proof: CANCEL sent three times or more without an answer, or answered 481 while the INVITE goes on.
Traps: a CANCEL before any 1xx has to wait; 481 after the INVITE's final answer is a race.
Fix: CANCEL must take the way of its INVITE.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="CANCEL-02",
    title="CANCEL unanswered or unknown",
    severity="warn",
    reference="RFC 3261 sections 9.1 and 9.2",
    fix="Send CANCEL to where its INVITE went, with the same branch.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per target and result."""
    for hop in facts_of(trace).calls():
        cancels = [m for m in hop.messages if m.is_request and m.method == "CANCEL"]
        if not cancels:
            continue
        replies = [m for m in hop.messages if m.status >= 200 and m.status != 408 and m.cseq_method == "CANCEL"]
        finals = [
            m for m in hop.messages if m.status >= 200 and m.cseq_method == "INVITE" and m.cseq == cancels[0].cseq
        ]
        early = not any(m.status and m.cseq_method == "INVITE" and m.index < cancels[0].index for m in hop.messages)
        target = str(cancels[0].dst or split_uri(cancels[0].ruri)[1])
        if not replies and len(cancels) >= 3:
            what = f"CANCEL to {target} was sent {len(cancels)} times without an answer"
            what += "; it was sent before any provisional response, which it has to wait for." if early else "."
        elif replies and replies[0].status == 481 and not any(m.index < cancels[0].index for m in finals):
            what = f"CANCEL to {target} was answered 481: the server does not know the INVITE that it names."
        else:
            continue
        yield RULE.finding(
            what,
            "The callee goes on ringing although the caller is gone.",
            calls=[hop.id],
            evidence=[*(quote(message) for message in cancels[:3]), *(quote(message) for message in replies[:1])],
            key=f"{target}:{bool(replies)}",
            values=values_of(hop, cancels[0]),
        )
