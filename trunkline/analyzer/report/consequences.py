"""Which findings stand by themselves in a report, and which stand beneath their cause."""

from __future__ import annotations

from trunkline.analyzer.model.finding import Finding

Placed = list[tuple[Finding, list[Finding]]]


def placed(findings: list[Finding]) -> Placed:
    """Findings in their order, each with its consequences: those stand beneath the finding of the causing rule that
    shares most calls with them. One whose cause is itself a consequence stands alone.
    """
    main: Placed = []
    by_rule: dict[str, Placed] = {}
    causes = {finding.rule for finding in findings if not finding.caused_by}
    effects: list[Finding] = []
    for finding in findings:
        if finding.caused_by in causes:
            effects.append(finding)
            continue
        entry = (finding, list[Finding]())
        main.append(entry)
        if not finding.caused_by:
            by_rule.setdefault(finding.rule, []).append(entry)
    for effect in effects:
        calls = set(effect.calls)
        _, beneath = max(by_rule[effect.caused_by], key=lambda entry: len(calls.intersection(entry[0].calls)))
        beneath.append(effect)
    return main
