"""A call is cut by the start or the end of the capture.

Proof: the first message of a Call-ID is none that begins a dialog; or an answered call, or a request that still waits,
meets the end of the capture.
Traps: nothing may be missed that lies outside.
Fix: start the capture before the call, stop it after.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CAP-04",
    title="Calls are cut by the start or the end of the capture",
    severity="info",
    reference="how captures work, no standard",
    fix="Start the capture before the call and stop it some seconds after its end.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding for the start, one for the end."""
    hops = facts_of(trace).hops
    begun = [hop for hop in hops if hop.dialog.begun_before_capture and hop.messages]
    cut_off = [hop for hop in hops if hop.dialog.cut_by_end and hop.messages]
    if begun:
        yield RULE.finding(
            f"{_dialogs(len(begun))} had begun before the capture.",
            "Their first messages are not here, so who offered what, or why, cannot be judged.",
            calls=[hop.id for hop in begun],
            evidence=[quote(hop.messages[0]) for hop in begun[:3]],
            key="start",
        )
    if cut_off:
        yield RULE.finding(
            f"{_dialogs(len(cut_off))} {'was' if len(cut_off) == 1 else 'were'} still going on when the capture ended.",
            "How they went on is not known; what is missing behind the end is no fault.",
            calls=[hop.id for hop in cut_off],
            evidence=[quote(hop.messages[-1]) for hop in cut_off[:3]],
            key="end",
        )


def _dialogs(count: int) -> str:
    return "1 dialog" if count == 1 else f"{count:,} dialogs"
