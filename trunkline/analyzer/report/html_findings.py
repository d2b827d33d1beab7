"""A finding on the page: what is wrong, why, where it shows, and what to change."""

from __future__ import annotations

from trunkline.analyzer.model.finding import Evidence, Finding, Fix
from trunkline.analyzer.model.trace import Analysis
from trunkline.analyzer.report.escape import shortened
from trunkline.analyzer.report.html_text import e, tag
from trunkline.analyzer.report.paint import LONGEST
from trunkline.analyzer.report.terminal import SURE, WORDS, place_of
from trunkline.pbx.snippets import SYSTEMS

MOST_CALLS_NAMED = 40
MOST_PLACES = 6
"""Of one finding. A thirteenth ICMP error tells nobody more than the first."""


def article(finding: Finding, effects: list[Finding], analysis: Analysis, shown: set[str]) -> str:
    """`effects`: findings that are consequences of this one. `shown`: calls that have a ladder on the page."""
    word = tag("span", e(WORDS[finding.severity]), class_=f"word {finding.severity}")
    parts = [
        tag("h3", word + e(finding.title)),
        tag("p", e(finding.what)),
        tag("p", e(finding.why)) if finding.why else "",
        _evidence(finding, analysis, shown),
    ]
    if effects:
        items = "".join(tag("li", f"{e(effect.title)} ({e(effect.rule)}): {e(effect.what)}") for effect in effects)
        parts += [tag("h4", "What follows from it"), tag("ul", items)]
    parts += [_fixes(finding.fixes), _about(finding, shown)]
    return tag("article", "".join(parts), class_=finding.severity)


def _evidence(finding: Finding, analysis: Analysis, shown: set[str]) -> str:
    if not finding.evidence:
        return ""
    several = len(analysis.trace.capture.files) > 1
    drawn = {
        message.index
        for call in analysis.trace.calls
        if call.id in shown
        for dialog in call.dialogs
        for message in dialog.messages
    }
    items = [_place(evidence, analysis, several, drawn) for evidence in finding.evidence[:MOST_PLACES]]
    more = len(finding.evidence) - len(items)
    if more > 0:
        items.append(tag("li", e(f"… and {more} more places (--json lists them)")))
    return tag("h4", "Where it shows") + tag("ul", "".join(items), class_="evidence")


def _place(evidence: Evidence, analysis: Analysis, several: bool, drawn: set[int]) -> str:
    where = e(place_of(evidence, analysis, several) or "the trace")
    if evidence.message in drawn:
        where = tag("a", where, href=f"#m{evidence.message}")
    return tag("li", f"{where}: {tag('code', e(shortened(evidence.text, LONGEST)))}")


def _fixes(fixes: list[Fix]) -> str:
    if not fixes:
        return ""
    parts = [tag("h4", "What to change")]
    settings = [fix for fix in fixes if fix.pbx != "any"]
    for fix in (fix for fix in fixes if fix.pbx == "any"):
        parts.append(tag("p", f"<strong>{e(fix.title)}.</strong> {e(fix.text)}"))
        parts.append(tag("pre", e_lines(fix.snippet)) if fix.snippet else "")
    systems = list(dict.fromkeys(fix.pbx for fix in settings))
    folded = ""
    for system in systems:
        inner = "".join(_setting(fix) for fix in settings if fix.pbx == system)
        name = e(SYSTEMS.get(system, system))
        if len(systems) == 1:
            parts.append(tag("p", f"In {name}:") + inner)
        else:
            folded += tag("details", tag("summary", f"In {name}") + inner)
    if folded:
        parts.append(tag("div", folded, class_="systems noprint"))
        several = f"The settings of {len(systems)} systems are in this file, on the screen; --pbx NAME chooses one."
        parts.append(tag("p", e(several), class_="onlyprint"))
    return "".join(parts)


def _setting(fix: Fix) -> str:
    snippet = tag("pre", e_lines(fix.snippet)) if fix.snippet else ""
    return tag("p", tag("code", e(fix.file))) + snippet + (tag("p", e(fix.text)) if fix.text else "")


def e_lines(text: str) -> str:
    """Several lines, each escaped."""
    return "\n".join(e(line) for line in text.splitlines())


def _about(finding: Finding, shown: set[str]) -> str:
    named = finding.calls[:MOST_CALLS_NAMED]
    calls = ", ".join(tag("a", e(call), href=f"#{call}") if call in shown else e(call) for call in named)
    more = len(finding.calls) - len(named)
    parts = [
        f"Rule {e(finding.rule)}, {e(SURE[finding.confidence])}",
        f"calls {calls}" + (f" and {more:,} more" if more > 0 else "") if calls else "",
        e(finding.reference),
    ]
    return tag("p", "; ".join(part for part in parts if part), class_="muted")
