"""The 200 OK is never acknowledged.

Proof: the 200 to an INVITE is repeated (0.5, 1, 2, 4 s …) and no ACK is in the trace; the callee often hangs up after
64 x T1 = 32 s.
Traps: not Timer H, which is for refusals: the 2xx is repeated by the user agent itself, also over TCP. A capture that
ends early, or that has one direction only, proves nothing.
Fix: Contact and Record-Route of the 200 must be reachable.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import Answer, answer_of, bye_of, talk
from trunkline.analyzer.rules.facts import Hop, facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="DLG-01",
    title="200 OK is never acknowledged",
    severity="critical",
    reference="RFC 3261 section 13.3.1.4",
    fix="Make Contact and Record-Route of the 200 reachable: public address in the PBX, SIP ALG off.",
    needs=("both_directions",),
)
LIMIT = 32.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per pair of hosts: the caller's hop, of those that pass the 200 on."""
    told: set[tuple[str, str]] = set()
    for hop in facts_of(trace).calls():
        answer = answer_of(hop)
        if answer is None or answer.acks or hop.dialog.begun_before_capture:
            continue
        if (hop.dialog.call_id, answer.ok.to_tag) in told:
            continue
        oks = answer.oks
        if _acknowledged_directly(hop, answer):
            continue
        repeated = len(oks) >= 3
        duration = talk(hop, answer)
        bye = bye_of(hop)
        by_callee = bye is not None and bye.request is not None and hop.sender(bye.request) == "callee"
        at_limit = by_callee and duration is not None and abs(duration - LIMIT) < 1.5
        if not repeated and not at_limit:
            continue
        told.add((hop.dialog.call_id, answer.ok.to_tag))
        contact = answer.ok.value("Contact")
        yield RULE.finding(
            f"The 200 from {answer.ok.src or 'the callee'} was sent {len(oks)} times and no ACK came"
            + (f"; the callee hung up after {duration:.0f} s." if by_callee and duration is not None else "."),
            "The callee repeats its 200 until an ACK comes, and gives the call up after 64 x T1 = 32 s. The ACK "
            "goes to the "
            f"Contact of the 200 ({cut(contact, 80) or 'it has none'}) by its Record-Route.",
            calls=[hop.id],
            evidence=[
                *(quote(ok) for ok in oks[:4]),
                quote(answer.ok, "Contact"),
                quote(bye.request) if by_callee and bye else None,
            ],
            confidence="proven" if repeated else "strong",
            key=f"{answer.ok.src.ip if answer.ok.src else ''}>{answer.ok.dst.ip if answer.ok.dst else ''}",
            values=values_of(hop, answer.invite, answer.ok),
        )


def _acknowledged_directly(hop: Hop, answer: Answer) -> bool:
    """A proxy that does not record itself: the ACK goes to the callee past it, which is another hop."""
    callee = answer.ok.src
    return callee is not None and any(
        message.is_request
        and message.method == "ACK"
        and message.cseq == answer.ok.cseq
        and message.dst is not None
        and message.dst.ip == callee.ip
        for dialog in hop.call.dialogs
        if dialog is not hop.dialog and dialog.call_id == hop.dialog.call_id
        for message in dialog.messages
    )
