"""The settings that repair what was found, in the words of the PBX that the trace shows (or that the user named)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from trunkline.analyzer.addresses import is_public
from trunkline.analyzer.model.finding import Finding, Fix
from trunkline.analyzer.model.trace import Trace
from trunkline.pbx.remedies import TOPICS
from trunkline.pbx.snippets import SYSTEMS, fixes_for

NEEDS_OUTSIDE = "public_address"
"""Topic of remedies that repairs only what crosses a NAT."""
UNNEEDED, OF_A_TRUNK = "unneeded_methods", "OPTIONS"
"""Topic, and the only method that a PBX sends of its own accord on a trunk: the others are a telephone's."""
REPAIRS_NOTHING = "CAP-"
"""Remarks on the capture itself: a fix for `any` suffices."""


def add_fixes(trace: Trace, findings: list[Finding]) -> None:
    """Puts `Finding.fixes` for the PBX of the calls that a finding is about; for all systems where it is not known."""
    for finding, fixes in zip(findings, fixes_of(trace, findings), strict=True):
        finding.fixes += [fix for fix in fixes if fix not in finding.fixes]


def fixes_of(trace: Trace, findings: list[Finding]) -> list[list[Fix]]:
    """For each finding what `trunkline.pbx` has for its rule, filled in."""
    common = values_of(trace)
    systems = {call.id: Counter(dialog.pbx for dialog in call.dialogs if dialog.pbx) for call in trace.calls}
    overall: Counter[str] = sum(systems.values(), Counter())
    outside = _reaches_outside(trace)
    all_fixes = []
    for finding in findings:
        seen: Counter[str] = sum((systems[call] for call in finding.calls if call in systems), Counter())
        pbx = trace.options.pbx or next((name for name, _ in (seen or overall).most_common(1)), "")
        values = {**common, **_sender(trace, finding), **finding.fix_values}
        found = [
            Fix(fix.pbx, fix.title, fix.file, fix.snippet, fix.text)
            for fix in fixes_for(finding.rule, pbx if pbx in SYSTEMS else "", values)
        ]
        if finding.rule.startswith(REPAIRS_NOTHING) or finding.severity == "info":
            found = [fix for fix in found if fix.pbx in {"any", pbx}]
        if finding.fix_values.get("method", OF_A_TRUNK) != OF_A_TRUNK:
            found = [fix for fix in found if fix.pbx == "any" or fix.title != TOPICS[UNNEEDED].title]
        if not outside:
            found = [fix for fix in found if fix.title != TOPICS[NEEDS_OUTSIDE].title]
        all_fixes.append(found)
    return all_fixes


def _reaches_outside(trace: Trace) -> bool:
    """Whether a public address takes part: between private ones nobody has to know a public address of the PBX."""
    ends = {end.ip for message in trace.messages for end in (message.src, message.dst) if end is not None}
    ends |= {end.ip for stream in trace.media.streams for end in (stream.src, stream.dst)}
    # A text log may name no addresses at all; that proves nothing.
    return not ends or any(is_public(ip) for ip in ends)


def _sender(trace: Trace, finding: Finding) -> dict[str, str]:
    """The program that sent the first message that the finding quotes."""
    for evidence in finding.evidence:
        if evidence.message is not None and evidence.message < len(trace.messages):
            message = trace.messages[evidence.message]
            name = message.value("User-Agent") or message.value("Server")
            return {"user_agent": name} if name else {}
    return {}


def values_of(trace: Trace) -> Mapping[str, str]:
    """What holds for the whole trace: the provider's networks and codecs, a number and an account of the trunk."""
    profile = trace.profile
    values = {
        "provider_networks": ",".join(str(network) for network in profile.signalling.networks),
        "media_networks": ",".join(str(network) for network in profile.media.networks),
        "codecs": ",".join(profile.media.codecs),
        "ptime": str(profile.media.ptime or ""),
        "dtmf_pt": str(profile.media.dtmf_payload_type or ""),
        "realm": next(iter(profile.authentication.realms), ""),
        "did": next(iter(trace.options.own_numbers), ""),
    }
    return {name: value for name, value in values.items() if value}
