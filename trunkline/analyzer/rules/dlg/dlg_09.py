"""Hung up right after the answer.

Proof: BYE less than 2 s after the 200.
Traps: a fax, a robot or a person may do that; the Reason header tells more.
Fix: the cause in Reason; codec and SRTP of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import Answer, answer_of, bye_of, talk
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="DLG-09",
    title="Hung up right after the answer",
    severity="warn",
    reference="RFC 3261 section 15, RFC 3326",
    fix="Read the Reason header; check whether the side that hung up can use the codecs and keys of the answer.",
    needs=("time",),
)
SHORT = 2.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per side that hangs up."""
    told: set[str] = set()
    for hop in facts_of(trace).calls():
        answer = answer_of(hop)
        bye = bye_of(hop)
        duration = talk(hop, answer) if answer is not None else None
        if answer is None or bye is None or bye.request is None or duration is None or not 0 <= duration < SHORT:
            continue
        if hop.id in told or _crossed(answer):
            continue
        told.add(hop.id)
        side = hop.sender(bye.request)
        reason = bye.request.value("Reason")
        yield RULE.finding(
            f"The {side} hung up {duration:.2f} s after the answer"
            + (f" (Reason: {cut(reason, 100)})." if reason else "."),
            "So fast is mostly a program: it does not like the codec, the keys or the caller, or it only tests.",
            calls=[hop.id],
            evidence=[quote(bye.request, "Reason" if reason else ""), quote(answer.ok)],
            confidence="strong" if reason else "hint",
            key=f"{side}:{reason}",
            values=values_of(hop, answer.invite, answer.ok),
        )


def _crossed(answer: Answer) -> bool:
    """The caller had given up already (CANCEL-03): its BYE is what the standard asks for."""
    return answer.exchange.transaction.cancel is not None
