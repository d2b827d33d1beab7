"""The report for browsers: one file that needs nothing else, no script among it, to be attached to a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trunkline.analyzer.model.call import Call
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Analysis
from trunkline.analyzer.report.consequences import placed
from trunkline.analyzer.report.html_calls import call_section, calls_table, streams_table
from trunkline.analyzer.report.html_findings import article
from trunkline.analyzer.report.html_style import STYLE
from trunkline.analyzer.report.html_text import e, tag
from trunkline.analyzer.report.tables import summary
from trunkline.analyzer.report.verdict import counted, is_problem

MOST_CALLS = 60
"""Calls with a ladder. Those with problems come first."""
MOST_BYTES = 4_000_000
"""Of messages in one page."""


def page(analysis: Analysis) -> str:
    """The page as text, well-formed as XML too."""
    shown, left_out = chosen(analysis)
    body = [
        tag("p", "Trunkline trace analysis", class_="muted"),
        tag("h1", _heading(analysis)),
        tag("p", e(analysis.verdict), class_=f"verdict {_worst(analysis.findings)}".rstrip()),
        "".join(tag("p", e(sentence), class_="muted") for sentence in summary(analysis.trace)),
        _findings(analysis, {call.id for call in shown}),
        calls_table(analysis.trace, {call.id for call in shown}),
        streams_table(analysis.trace),
        _ladders(analysis, shown, left_out),
        _damage(analysis),
        tag("footer", "<p>Made by trunkline analyze, offline. MOS is an estimate from codec, loss and jitter.</p>"),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>"
        f"<title>{_heading(analysis)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def chosen(analysis: Analysis) -> tuple[list[Call], int]:
    """Calls that get a ladder with their messages, in order, and how many do not: those with problems first, as long as
    the page stays small enough to send.
    """
    named = {call: True for finding in analysis.findings if is_problem(finding) for call in finding.calls}
    remarked = {call for finding in analysis.findings for call in finding.calls}
    calls = analysis.trace.calls
    ordered = sorted(calls, key=lambda one: (one.id not in named, one.id not in remarked, one.kind != "call"))
    room = MOST_BYTES
    shown: set[str] = set()
    for call in ordered[:MOST_CALLS]:
        needed = sum(len(message.raw.data) for dialog in call.dialogs for message in dialog.messages)
        if needed <= room or not shown:
            room -= needed
            shown.add(call.id)
    return [call for call in calls if call.id in shown], len(calls) - len(shown)


def _heading(analysis: Analysis) -> str:
    files = analysis.trace.capture.files
    names = ", ".join(file.name.rpartition("/")[2] for file in files[:3]) + (" …" if len(files) > 3 else "")
    return e(names or "Trace")


def _worst(findings: Iterable[Finding]) -> str:
    there = {finding.severity for finding in findings}
    return next((name for name in ("critical", "security", "warn") if name in there), "")


def _findings(analysis: Analysis, shown: set[str]) -> str:
    main = placed(analysis.findings)
    problems = [(finding, effects) for finding, effects in main if is_problem(finding)]
    remarks = [(finding, effects) for finding, effects in main if not is_problem(finding)]
    parts = []
    if problems:
        parts.append(tag("h2", "What is wrong, and what to change"))
        parts += [article(finding, effects, analysis, shown) for finding, effects in problems]
    if remarks:
        parts.append(tag("h2", "Worth knowing"))
        parts += [article(finding, effects, analysis, shown) for finding, effects in remarks]
    return "".join(parts)


def _ladders(analysis: Analysis, shown: list[Call], left_out: int) -> str:
    if not shown:
        return ""
    parts = [tag("h2", "Ladders")]
    parts.append(
        "<p>Time runs downwards. Each arrow is a link to its message; a line that a finding quotes is marked there. "
        "⚠ stands at messages with a fault, dashes are repetitions.</p>"
    )
    if left_out:
        parts.append(tag("p", e(_left_out(left_out)), class_="muted"))
    parts += _sections(analysis, shown)
    return "".join(parts)


def _left_out(number: int) -> str:
    return f"{counted(number, 'call')} without a problem, or beyond the size of a page, are in the table only."


def _sections(analysis: Analysis, shown: list[Call]) -> Iterator[str]:
    for call in shown:
        yield call_section(analysis, call)


def _damage(analysis: Analysis) -> str:
    damage = analysis.trace.capture.damage
    if not damage:
        return ""
    items = "".join(tag("li", e(one.what)) for one in damage[:50])
    more = tag("p", f"… and {len(damage) - 50:,} more.") if len(damage) > 50 else ""
    return tag("h2", "Not read") + tag("ul", items) + more
