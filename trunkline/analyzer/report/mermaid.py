"""Sequence diagrams of calls in Mermaid, for a wiki or a ticket that draws them."""

from __future__ import annotations

from trunkline.analyzer.model.call import Call
from trunkline.analyzer.model.trace import Analysis
from trunkline.analyzer.report.escape import shortened, visible
from trunkline.analyzer.report.ladder import Arrow, ladder_of
from trunkline.analyzer.report.verdict import is_problem

MOST_CALLS = 20
MOST_STEPS = 200
_PLAIN = str.maketrans({"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "%": "#37;", "`": "#96;", "\\": "#92;"})


def diagrams(analysis: Analysis) -> str:
    """One diagram for each call, those with problems first, fenced as Markdown wants it."""
    named = [call for finding in analysis.findings if is_problem(finding) for call in finding.calls]
    calls = sorted(analysis.trace.calls, key=lambda call: (call.id not in named, call.kind != "call"))
    blocks = [f"```mermaid\n{diagram(analysis, call)}```\n" for call in calls[:MOST_CALLS]]
    if len(calls) > MOST_CALLS:
        blocks.append(f"{len(calls) - MOST_CALLS:,} more calls are left out.\n")
    return "\n".join(blocks)


def diagram(analysis: Analysis, call: Call) -> str:
    """The diagram of one call, without a fence around it."""
    ladder = ladder_of(analysis.trace, call, analysis.findings, MOST_STEPS)
    lines = ["sequenceDiagram"]
    for place, lane in enumerate(ladder.lanes):
        lines.append(f"    participant h{place} as {text(lane.name)}")
    for step in ladder.steps:
        since = "" if step.time is None or ladder.start is None else f"{step.time - ladder.start:.3f} s "
        if isinstance(step, Arrow):
            arrow = "-->>" if step.repeated else "->>"
            fault = f" ({step.fault})" if step.fault is not None else ""
            again = " again" if step.repeated else ""
            lines.append(f"    h{step.source}{arrow}h{step.target}: {since}{text(step.label)}{again}{fault}")
        else:
            lines.append(f"    h{step.source}-)h{step.target}: {since}{text(step.label)}")
    for finding in analysis.findings:
        if call.id in finding.calls and is_problem(finding) and ladder.lanes:
            over = f"h0,h{len(ladder.lanes) - 1}" if len(ladder.lanes) > 1 else "h0"
            lines.append(f"    Note over {over}: {text(finding.rule)} {text(finding.title)}")
    return "\n".join(lines) + "\n"


def text(words: str) -> str:
    """Words that Mermaid takes for nothing else: its own marks become character codes."""
    return shortened(visible(words), 80).translate(_PLAIN) or " "
