"""The verdict: what a person with a broken trunk wants to know first, in one sentence."""

from __future__ import annotations

from collections import Counter

from trunkline.analyzer.model.finding import Finding, Severity
from trunkline.analyzer.model.trace import Trace

PROBLEMS: tuple[Severity, ...] = ("critical", "security", "warn")
"""Severities that count as a problem: with one of these `trunkline analyze` exits with 1."""
NAMES = {"critical": "critical problem", "warn": "warning", "security": "security concern", "info": "remark"}


def is_problem(finding: Finding) -> bool:
    return finding.severity in PROBLEMS


def verdict_of(trace: Trace, findings: list[Finding]) -> str:
    """One sentence: the gravest cause and how much more there is, or that nothing was found, and in what."""
    problems = [finding for finding in findings if is_problem(finding)]
    if not problems:
        return _nothing_wrong(trace, findings)
    first = next((finding for finding in problems if not finding.caused_by), problems[0])
    sentence = first.title.rstrip(".")
    concerned = _concerned(trace, first)
    if concerned:
        sentence += f" ({concerned})"
    rest = Counter(finding.severity for finding in problems if finding is not first)
    more = [counted(rest[severity], NAMES[severity]) for severity in PROBLEMS if rest[severity]]
    return f"{sentence}; besides {' and '.join(more)}." if more else f"{sentence}."


def counted(number: int, name: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number:,} {name if number == 1 else name + 's'}"


def calls_of(trace: Trace) -> int:
    return sum(call.kind == "call" for call in trace.calls)


def _concerned(trace: Trace, finding: Finding) -> str:
    named = set(finding.calls)
    concerned = [call for call in trace.calls if call.id in named and call.kind == "call"]
    calls, total = len(concerned), calls_of(trace)
    if calls == 1 and concerned[0].caller and concerned[0].called:
        return f"in the call from {concerned[0].caller} to {concerned[0].called}"
    if not calls or total < 2:
        return ""
    return f"in all {total:,} calls" if calls == total else f"in {calls:,} of {total:,} calls"


def _nothing_wrong(trace: Trace, findings: list[Finding]) -> str:
    calls = calls_of(trace)
    if not trace.messages and not trace.media.streams:
        return "Nothing about telephony was found: no SIP message and no media stream."
    if not trace.messages:
        return f"No SIP message was found, and no problem in {counted(len(trace.media.streams), 'media stream')}."
    remarks = f" ({counted(len(findings), 'remark')})" if findings else ""
    if calls:
        # A console without timestamps still shows the 200.
        answered = sum(200 <= (call.final_status or 0) < 300 for call in trace.calls if call.kind == "call")
        said = "answered" if answered == calls else f"{answered:,} answered" if answered else "none answered"
        if calls == 1:
            said = "answered" if answered else "not answered"
        return f"No problem found in {counted(calls, 'call')}, {said}{remarks}."
    return f"No problem found in {counted(len(trace.messages), 'SIP message')}; no call is among them{remarks}."
