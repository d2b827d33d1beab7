"""A delayed offer: the INVITE has no SDP.

Proof: INVITE without a body, an offer in its 200 (or reliable 18x), the answer in ACK (or PRACK).
Traps: legal. Critical where the ACK then has no answer.
Fix: early offer, where the other side refuses delayed ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import described
from trunkline.analyzer.rules.dialogs import answer_of
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SDP-05",
    title="Delayed offer",
    severity="info",
    reference="RFC 3261 sections 13.2.1 and 13.2.2.4",
    fix="Send SDP in the INVITE (early offer).",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per calling host and outcome."""
    for hop in facts_of(trace).calls():
        answer = answer_of(hop)
        if answer is None or answer.invite.body or answer.invite.raw.truncated:
            continue
        offers = [
            message for message, _ in described(hop) if not message.is_request and message.cseq_method == "INVITE"
        ]
        if not offers:
            continue
        acks = answer.acks
        acknowledged = any(message.method == "PRACK" and message.body for message in hop.messages)
        lost = bool(acks) and not acknowledged and all(not ack.body and not ack.raw.truncated for ack in acks)
        caller = answer.invite.src
        yield RULE.finding(
            f"{caller or 'The caller'} sends its INVITE without SDP"
            + (
                ", gets an offer in the answer, and its ACK has no SDP either: no media was agreed."
                if lost
                else ": the callee makes the offer, and the caller answers in the ACK."
            ),
            "Without an answer in the ACK there is no media."
            if lost
            else "Legal, but some providers refuse such calls.",
            calls=[hop.id],
            evidence=[quote(answer.invite), quote(acks[0]) if lost else None],
            severity="critical" if lost else "info",
            key=f"{caller.ip if caller else ''}:{lost}",
            values=values_of(hop, answer.invite, answer.ok),
        )
