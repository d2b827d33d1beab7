"""SDP that changed without a new version.

Proof: two descriptions of one side with the same session id and version in o=, and different lines.
Traps: forked answers come from different devices (another tag). An SBC that rewrites addresses may forget the version.
Fix: an update of the side that sends it.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message, Sdp
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import described
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="SDP-06",
    title="SDP changed without a new version",
    severity="warn",
    reference="RFC 3264 section 8, RFC 8866 section 5.2",
    fix="Update the side that sends it; its new SDP may be ignored.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per session: an SDP keeps its fault through all the hops that pass it on."""
    for hop in facts_of(trace).calls():
        seen: dict[tuple[str, str, str], tuple[Message, Sdp]] = {}
        for message, sdp in described(hop):
            if message.raw.truncated or not sdp.session_id:
                continue
            key = (hop.sender(message), message.to_tag if message.status else "", sdp.session_id)
            before = seen.get(key)
            seen[key] = (message, sdp)
            if before is None or before[1].session_version != sdp.session_version or _same(before[1], sdp):
                continue
            yield RULE.finding(
                f"{message.src or 'One side'} changes its SDP and leaves the version in o= at {sdp.session_version}.",
                "The other side may take an unchanged version as a sign that nothing has changed, and ignore the rest.",
                calls=[hop.id],
                evidence=[quote_sdp(message, "o="), quote_sdp(before[0], "o=")],
                key=f"{sdp.session_id}:{sdp.session_version}",
            )
            break


def _same(one: Sdp, other: Sdp) -> bool:
    return one.text == other.text or sorted(one.text.split()) == sorted(other.text.split())
