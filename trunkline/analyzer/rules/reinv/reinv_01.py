"""A re-INVITE or UPDATE is refused.

Proof: 4xx or 5xx to an INVITE or UPDATE within a dialog.
Traps: T.38 is FAX-01, 491 is DLG-10, 422 TIMER-01, 401 and 407 are challenges; 481 after the BYE is normal; 487 belongs
to CANCEL.
Fix: direct media off, the same codecs on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import answer_of, bye_of
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="REINV-01",
    title="re-INVITE or UPDATE refused",
    severity="warn",
    reference="RFC 3261 section 14.1, RFC 3311 section 5.2",
    fix="Turn direct media off, and let both sides use the same codecs.",
)
OTHERS = (401, 407, 422, 487, 491)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per status and method."""
    facts = facts_of(trace)
    for method in ("INVITE", "UPDATE"):
        for exchange in facts.by_method.get(method, ()):
            request, final = exchange.request, exchange.final
            if (
                request is None
                or final is None
                or not request.to_tag
                or not 400 <= final.status < 600
                or final.status in OTHERS
            ):
                continue
            if exchange.hop.dialog.kind != "call" or (
                request.sdp is not None and request.sdp.first("image") is not None
            ):
                continue
            answer, bye = answer_of(exchange.hop), bye_of(exchange.hop)
            if answer is None or (bye is not None and bye.request is not None and bye.request.index < final.index):
                continue
            after = bye is not None and bye.request is not None and _soon(bye.request, final)
            yield RULE.finding(
                f"{'re-INVITE' if method == 'INVITE' else 'UPDATE'} from {request.src or 'one side'} was refused: "
                f"{reason_text(final)}" + ("; the call was ended right after." if after else "; the call went on."),
                "A change of the running call (hold, codec, media address, session refresh) did not come about.",
                calls=[exchange.id],
                evidence=[quote(final), quote(request)],
                key=f"{method}:{final.status}:{after}",
                values=values_of(exchange.hop, answer.invite, final),
            )


def _soon(bye: Message, final: Message) -> bool:
    return bye.time is not None and final.time is not None and 0 <= bye.time - final.time < 2.0
