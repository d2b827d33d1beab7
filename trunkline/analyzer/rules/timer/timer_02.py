"""The session refresh is missing, and the call is cut.

Proof: the 200 agreed on Session-Expires N; no re-INVITE or UPDATE is answered in the N seconds before the BYE, and the
BYE (or 408) comes within N - min(32, N/3) and N, or its Reason says that the session timer has run out.
Traps: refresher=uac or uas says whose fault it is. A call that people end by chance at that time: the refresh is
missing all the same.
Fix: session timers on, or off on both sides; refreshes of the provider must arrive (NAT-03).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import answer_of, bye_of
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="TIMER-02",
    title="Session refresh missing, call cut",
    severity="critical",
    reference="RFC 4028 sections 9 and 10",
    fix="Let the side that refresher= names send its re-INVITE or UPDATE, or turn session timers off in the PBX.",
    needs=("time", "both_directions"),
)
RAN_OUT = ("timer", "timeout", "expire", "interval", "refresh")
"""Beside the word session in a Reason, as user agents write it: `SIP;cause=408;text="Session timeout"`."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per interval and refresher."""
    for hop in facts_of(trace).calls():
        answer, bye = answer_of(hop), bye_of(hop)
        if answer is None or bye is None or bye.request is None or bye.request.time is None:
            continue
        value, _, params = answer.ok.value("Session-Expires").partition(";")
        text = value.strip()
        interval = int(text) if text.isdigit() and len(text) < 7 else 0
        if interval < 60:
            continue
        ours = [
            answer.ok,
            *(e.final for e in hop.exchanges if e.method in ("INVITE", "UPDATE") and e.final is not None),
        ]
        agreed = [m.time for m in ours if m.time is not None and 200 <= m.status < 300 and m.time < bye.request.time]
        quiet = bye.request.time - max(agreed, default=bye.request.time)
        said = _says_so(bye.request.value("Reason"))
        if not said and not interval - min(32.0, interval / 3) - 2.0 <= quiet <= interval + 2.0:
            continue
        refresher = "uas" if "refresher=uas" in params.lower() else "uac"
        whose = "the callee" if refresher == "uas" else "the caller"
        if hop.sender(bye.request) == whose.removeprefix("the "):
            continue
        yield RULE.finding(
            f"Session-Expires is {interval} s, {whose} had to refresh, no refresh was answered for {quiet:.0f} s, "
            "and the other "
            "side hung up" + (": its BYE says so." if said else "."),
            "Without a refresh each side may take the call for dead and end it shortly before the interval is over.",
            calls=[hop.id],
            evidence=[quote(answer.ok, "Session-Expires"), quote(bye.request, "Reason")],
            confidence="proven" if said else "strong",
            key=f"{interval}:{refresher}",
            expires=interval,
            values=values_of(hop, answer.invite, answer.ok),
        )


def _says_so(reason: str) -> bool:
    lowered = reason.lower()
    return "session" in lowered and any(word in lowered for word in RAN_OUT)
