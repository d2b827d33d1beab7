"""Several answers to one INVITE (forking).

Proof: 2xx with different To tags; early dialogs with several tags alone are normal and not told.
Traps: the second 2xx needs ACK and BYE of its own; where they are there, all is well.
Fix: none, or an update of a caller that leaves the second answer open.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DLG-08",
    title="Two phones answered one call (forking)",
    severity="info",
    reference="RFC 3261 sections 13.2.2.4 and 19.3",
    fix="Nothing has to be done, unless the second answer gets no ACK and BYE.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per call."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        if not exchange.initial:
            continue
        oks: dict[str, Message] = {}
        for message in exchange.transaction.responses:
            if 200 <= message.status < 300 and message.to_tag:
                oks.setdefault(message.to_tag, message)
        if len(oks) < 2:
            continue
        acked = {m.to_tag for m in exchange.hop.messages if m.method == "ACK" and m.is_request}
        left = [tag for tag in oks if tag not in acked]
        yield RULE.finding(
            f"One INVITE got {len(oks)} answers with different To tags"
            + (f", {len(left)} of them without ACK." if left else "."),
            "A proxy rang several phones, and two answered before it could stop one. The caller has to end one "
            "of them.",
            calls=[exchange.id],
            evidence=[quote(message, "To") for message in oks.values()],
            severity="warn" if left and not trace.one_sided else "info",
            key=f"{len(oks)}:{bool(left)}",
        )
