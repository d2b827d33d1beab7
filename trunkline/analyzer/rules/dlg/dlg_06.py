"""CSeq is out of order.

Proof: a new request of one side in a dialog has a CSeq number that is not above its last one; or a 500 whose text says
so.
Traps: each side counts for itself; ACK and CANCEL share the number of their INVITE; copies and repetitions do not
count; a request that travels on more than one hop is judged on each.
Fix: the user agent; two devices must not share a dialog.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DLG-06",
    title="CSeq out of order",
    severity="critical",
    reference="RFC 3261 sections 12.2.1.1 and 12.2.2",
    fix="Count CSeq up with each new request of a dialog; make sure that no two programs speak for one side.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for hop in facts_of(trace).hops:
        if hop.dialog.kind not in ("call", "subscription"):
            continue
        highest: dict[tuple[str, str, str], Message] = {}
        for exchange in hop.exchanges:
            request = exchange.request
            if (
                request is None
                or exchange.method in ("ACK", "CANCEL", "PRACK")
                or not request.to_tag
                or not request.from_tag
            ):
                continue
            key = request.from_tag, request.to_tag, str(request.src.ip if request.src else "")
            before = highest.get(key)
            refused = exchange.final is not None and exchange.final.status in (400, 500)
            if before is not None and request.index > before.index and request.cseq <= before.cseq and refused:
                agent = request.value("User-Agent") or str(request.src or "the sender")
                yield RULE.finding(
                    f"{request.method} of {cut(agent, 60)} has CSeq {request.cseq} after {before.cseq}, and was "
                    "refused with "
                    f"{exchange.final.status if exchange.final else 0}.",
                    "A request that does not count up looks like an old one and has to be refused.",
                    calls=[hop.id],
                    evidence=[quote(request, "CSeq"), quote(before, "CSeq"), quote(exchange.final)],
                    confidence="strong",
                    key=agent,
                    user_agent=cut(agent, 60),
                )
                break
            if before is None or request.cseq > before.cseq:
                highest[key] = request
