"""A transfer is refused.

Proof: REFER answered with 4xx to 6xx; or a NOTIFY whose sipfrag says 300 or more; or the NOTIFY itself is refused.
Traps: 401 and 407 are challenges. A busy target is no fault of the trunk: the sipfrag's words are quoted.
Fix: bridge the call in the PBX, or allow transfers at the provider.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="XFER-01",
    title="Transfer refused",
    severity="warn",
    reference="RFC 3515 sections 2.4.2 and 2.4.5",
    fix="Let the PBX bridge the transferred call itself, or allow call transfer at the provider.",
)
NORMAL = (480, 486, 487, 600, 603)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per result."""
    facts = facts_of(trace)
    for exchange in facts.by_method.get("REFER", ()):
        request, final = exchange.request, exchange.final
        if (
            request is None
            or final is None
            or final.status < 300
            or final.status in (401, 407)
            or final.index in facts.hints
        ):
            continue
        yield RULE.finding(
            f"REFER to {cut(request.value('Refer-To'), 80)} was refused: {reason_text(final)}.",
            "The other side does not transfer calls by REFER, or not to this target.",
            calls=[exchange.id],
            evidence=[quote(final), quote(request, "Refer-To")],
            key=f"refer:{final.status}",
            values=values_of(exchange.hop, request, final),
        )
    for exchange in facts.by_method.get("NOTIFY", ()):
        request, final = exchange.request, exchange.final
        if request is None or not request.value("Event").lower().startswith("refer"):
            continue
        status = _sipfrag(request)
        refused = final is not None and final.status in (481, 488, 501)
        if status < 300 and not refused:
            continue
        yield RULE.finding(
            f"The transfer ended with {status}."
            if status >= 300
            else f"The report of the transfer was refused with {final.status if final else 0}.",
            "NOTIFY tells how the call to the target went.",
            calls=[exchange.id],
            evidence=[quote(request), quote(final) if refused else None],
            severity="info" if status in NORMAL else "warn",
            key=f"notify:{status if status >= 300 else 0}:{refused}",
            values=values_of(exchange.hop, request, final),
        )


def _sipfrag(notify: Message) -> int:
    line = notify.body[:64].decode("latin-1").split()
    return (
        int(line[1])
        if len(line) > 1 and line[0].startswith("SIP/2.0") and line[1].isdigit() and len(line[1]) == 3
        else 0
    )
