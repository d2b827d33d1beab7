"""The report for a person at a terminal: the verdict, what is wrong by weight, the calls, the media."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Evidence, Finding, Fix
from trunkline.analyzer.model.trace import Analysis
from trunkline.analyzer.report.consequences import placed
from trunkline.analyzer.report.escape import shortened, visible
from trunkline.analyzer.report.ladder import ladder_of
from trunkline.analyzer.report.paint import COLOURS, Paint
from trunkline.analyzer.report.tables import calls_table, streams_table, summary
from trunkline.analyzer.report.terminal_ladder import draw
from trunkline.analyzer.report.verdict import counted, is_problem
from trunkline.pbx.snippets import SYSTEMS

MOST_EVIDENCE = 4
MOST_CALLS_NAMED = 8
WORDS = {"critical": "CRITICAL", "warn": "WARNING", "security": "SECURITY", "info": "note"}
SURE = {"proven": "proven", "strong": "very likely", "hint": "a hint, look yourself"}


def render(analysis: Analysis, paint: Paint) -> str:
    """The whole report, with a line end behind each line. Nothing of the capture acts on the terminal."""
    lines = [*_head(analysis, paint), *_findings(analysis, paint), *_ladder(analysis, paint)]
    lines += [*calls_table(analysis.trace, paint), *streams_table(analysis.trace, paint), *_damage(analysis, paint)]
    lines += _which_pbx(analysis, paint)
    return "\n".join(lines) + "\n"


def _head(analysis: Analysis, paint: Paint) -> Iterator[str]:
    problems = [finding.severity for finding in analysis.findings if is_problem(finding)]
    worst = next((name for name in ("critical", "security", "warn") if name in problems), "")
    for line in paint.wrap(analysis.verdict):
        yield paint.colour(line, COLOURS[worst], bold=True)
    for sentence in summary(analysis.trace):
        yield from (paint.dim(line) for line in paint.wrap(sentence))


def _findings(analysis: Analysis, paint: Paint) -> Iterator[str]:
    main = placed(analysis.findings)
    problems = [(finding, effects) for finding, effects in main if is_problem(finding)]
    for number, (finding, effects) in enumerate(problems, 1):
        yield ""
        yield from _finding(number, finding, effects, analysis, paint)
    remarks = [finding for finding, _ in main if not is_problem(finding)]
    if remarks:
        yield ""
        yield paint.bold("Worth knowing")
        for finding in remarks:
            yield from _remark(finding, paint)


def _finding(number: int, finding: Finding, effects: list[Finding], analysis: Analysis, paint: Paint) -> Iterator[str]:
    colour = COLOURS[finding.severity]
    head = f"{number}. {WORDS[finding.severity]}  {visible(finding.title)}"
    about = f"  {finding.rule}, {SURE[finding.confidence]}"
    if len(head) + len(about) <= paint.width:
        yield paint.colour(head, colour, bold=True) + paint.dim(about)
    else:
        yield from (paint.colour(line, colour, bold=True) for line in paint.wrap(head))
        yield from (paint.dim(line) for line in paint.wrap(about.strip(), 3))
    yield from paint.wrap(finding.what, 3)
    if finding.why:
        yield from paint.wrap(finding.why, 3)
    yield from _evidence(finding, analysis, paint)
    for effect in effects:
        calls = f" ({_calls(effect)})" if effect.calls else ""
        yield from paint.wrap(f"{effect.title}{calls}  [{effect.rule}]", 3, "leads to: ")
    yield from _fixes(finding.fixes, paint)
    sources = [part for part in (_calls(finding), visible(finding.reference)) if part]
    yield from (paint.dim(line) for line in paint.wrap("; ".join(sources), 3))


def _calls(finding: Finding) -> str:
    if not finding.calls:
        return ""
    named = ", ".join(finding.calls[:MOST_CALLS_NAMED])
    more = len(finding.calls) - MOST_CALLS_NAMED
    return (
        f"calls {named} and {more:,} more" if more > 0 else f"{'call' if len(finding.calls) == 1 else 'calls'} {named}"
    )


def _evidence(finding: Finding, analysis: Analysis, paint: Paint) -> Iterator[str]:
    several = len(analysis.trace.capture.files) > 1
    for evidence in finding.evidence[:MOST_EVIDENCE]:
        where = place_of(evidence, analysis, several)
        text = f"   {where}: " if where else "   "
        yield text + paint.colour(shortened(visible(evidence.text), max(10, paint.width - len(text))), "cyan")
    more = len(finding.evidence) - MOST_EVIDENCE
    if more > 0:
        yield paint.dim(f"   … and {more:,} more places (--json lists them)")


def place_of(evidence: Evidence, analysis: Analysis, several: bool) -> str:
    """`frame 620, SDP c=`, with the file's name where there are several."""
    files = analysis.trace.capture.files
    parts = []
    if several and evidence.file < len(files):
        parts.append(visible(files[evidence.file].name))
    if evidence.frame is not None:
        parts.append(f"frame {evidence.frame}")
    elif evidence.line is not None:
        parts.append(f"line {evidence.line}")
    if evidence.header and not evidence.text.lower().startswith(evidence.header.lower()):
        parts.append(visible(evidence.header))
    return ", ".join(parts)


def _fixes(fixes: list[Fix], paint: Paint) -> Iterator[str]:
    for fix in (fix for fix in fixes if fix.pbx == "any"):
        yield from _fix(f"Fix: {visible(fix.title)}", fix, paint)
    settings = [fix for fix in fixes if fix.pbx != "any"]
    if len({fix.pbx for fix in settings}) > 1:  # it is not known which: `_which_pbx` says so once
        return
    for fix in settings:
        yield from _fix(f"In {SYSTEMS.get(fix.pbx, visible(fix.pbx))}: {visible(fix.file)}", fix, paint)


def _fix(head: str, fix: Fix, paint: Paint) -> Iterator[str]:
    for line in paint.wrap(head, 3):
        yield paint.colour(line, "green")
    if fix.pbx == "any" and fix.text:
        yield from paint.wrap(fix.text, 5)
    for line in fix.snippet.splitlines():
        yield f"     {paint.dim('│')} {visible(line)}"
    if fix.pbx != "any" and fix.text:
        yield from paint.wrap(fix.text, 5)


def _remark(finding: Finding, paint: Paint) -> Iterator[str]:
    text = f"{finding.what or finding.title}"
    calls = _calls(finding)
    about = f"  [{finding.rule}{', ' + calls if calls else ''}]"
    yield from paint.wrap(text + about, 0, "- ")


def _ladder(analysis: Analysis, paint: Paint) -> Iterator[str]:
    """Of the first call that the gravest finding names."""
    named = next((finding.calls[0] for finding in analysis.findings if is_problem(finding) and finding.calls), None)
    call = next((call for call in analysis.trace.calls if call.id == named), None)
    if call is None:
        return
    lines = draw(ladder_of(analysis.trace, call, analysis.findings), paint)
    if lines:
        yield ""
        yield paint.bold(f"Call {call.id}")
        yield from lines


def _which_pbx(analysis: Analysis, paint: Paint) -> Iterator[str]:
    """How to get settings where the trace does not tell the system."""
    systems = [fix.pbx for finding in analysis.findings for fix in finding.fixes if fix.pbx != "any"]
    if len(set(systems)) > 1 and any(is_problem(finding) for finding in analysis.findings):
        yield ""
        yield from paint.wrap(f"--pbx NAME shows what to set in your PBX; NAME is one of {', '.join(SYSTEMS)}.")


def _damage(analysis: Analysis, paint: Paint) -> Iterator[str]:
    damage = analysis.trace.capture.damage
    if damage:
        yield ""
        yield paint.bold(f"Not read: {counted(len(damage), 'place')} of the input")
        for one in damage[:10]:
            yield from paint.wrap(one.what, 0, "- ")
        if len(damage) > 10:
            yield paint.dim(f"  … and {len(damage) - 10:,} more (--json lists them)")
