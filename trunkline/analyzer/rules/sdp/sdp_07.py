"""A broken session description.

Proof: no v=, o= or m= line, a port that is none, a section without an address.
Traps: bare line feeds are forgiven. Cut captures and other bodies than SDP prove nothing.
Fix: SIP ALG off, else an update.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Problem, Sdp
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner

RULE = Rule(
    id="SDP-07",
    title="Broken SDP",
    severity="critical",
    reference="RFC 8866 section 5",
    fix="Switch SIP ALG off in routers on the way; if the SDP is still broken, update what sends it.",
)
BREAKS = {
    "no_version": "v=",
    "no_origin": "o=",
    "no_media": "m=",
    "media": "m=",
    "port": "m=",
    "no_address": "c=",
    "address": "c=",
}
"""Problems of the parser that leave the other side without media, and the line that is at fault."""
HARMLESS_WITH_AUDIO = ("no_version", "no_origin", "media", "port")


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per host and fault, the gravest of each description."""
    for hop in facts_of(trace).calls():
        for message, sdp in described(hop):
            if not sdp.problems or message.raw.truncated or is_scanner(message):
                continue
            faults = [problem for problem in sdp.problems if problem.kind in BREAKS]
            if not faults:
                continue
            problem = next((fault for fault in faults if not _is_minor(fault, sdp)), faults[0])
            yield RULE.finding(
                f"The SDP of {message.src or 'one side'} is broken: {problem.text}.",
                "Strict equipment refuses such a call; lenient equipment guesses, and audio may be missing.",
                calls=[hop.id],
                evidence=[quote_sdp(message, BREAKS[problem.kind])],
                severity="info" if _is_minor(problem, sdp) else "critical",
                key=f"{message.src.ip if message.src else ''}:{problem.kind}",
            )


def _is_minor(problem: Problem, sdp: Sdp) -> bool:
    """The audio can be used all the same."""
    section = audio(sdp)
    return problem.kind in HARMLESS_WITH_AUDIO and section is not None and section.port > 0
