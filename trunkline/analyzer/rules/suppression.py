"""Which findings are consequences of others: shown beneath their cause, not by themselves."""

from __future__ import annotations

from trunkline.analyzer.model.finding import Finding

REFUSALS = (
    *("AUTH-01", "AUTH-02", "AUTH-03", "AUTH-04", "AUTH-08", "NUM-02", "NUM-03", "NUM-04", "CLI-03"),
    *("ROUTE-01", "ROUTE-02", "ROUTE-03", "ROUTE-05", "ROUTE-06", "ROUTE-09", "ROUTE-10", "ROUTE-11", "ROUTE-12"),
    *("ROUTE-13", "COD-01", "SRTP-01", "SRTP-02", "REINV-01", "TIMER-01", "XFER-01"),
)
"""Rules that read the reason out of a refusal. Where the provider says why it refused, its word stands alone."""

EFFECTS: dict[str, tuple[str, ...]] = {
    "SDP-01": ("MEDIA-01", "MEDIA-02", "MEDIA-03", "MEDIA-05", "FAX-02"),
    "SDP-03": ("MEDIA-01", "MEDIA-02", "MEDIA-06"),
    "SDP-04": ("MEDIA-01", "MEDIA-02"),
    "SDP-07": ("COD-01", "MEDIA-01", "MEDIA-02"),
    "SDP-09": ("MEDIA-01", "MEDIA-02"),
    "NAT-03": ("DLG-01", "DLG-02", "DLG-04", "DLG-07", "NET-10", "MEDIA-08"),
    "NAT-01": ("NET-01", "TIME-02"),
    "NAT-04": ("NET-01", "TIME-02"),
    "NAT-05": ("DLG-01", "DLG-02", "DLG-04"),
    "DLG-03": ("DLG-01", "DLG-02", "DLG-04"),
    "DLG-02": ("DLG-01", "DLG-07", "TIME-02"),
    "DLG-01": ("DLG-07", "DLG-09", "TIME-02", "MEDIA-08"),
    "DLG-04": ("MEDIA-08",),
    "TIMER-02": ("DLG-07",),
    "NET-01": ("TIME-01", "TIME-02", "DLG-04", "CANCEL-02", "AUTH-08"),
    "NET-02": ("NET-01", "MEDIA-01", "MEDIA-02", "MEDIA-05", "TIME-02", "DLG-04"),
    "NET-03": ("NET-01", "TIME-02"),
    "NET-05": ("NET-04", "NET-07"),
    "NET-06": ("NET-04",),
    "NET-04": ("NET-07", "CAP-05"),
    "NET-08": ("NET-07",),
    "NET-09": ("MALF-02", "AUTH-06"),
    "NET-10": ("NET-01",),
    "ROUTE-01": ("ROUTE-03",),
    "ROUTE-04": ("ROUTE-03",),
    "ROUTE-10": ("ROUTE-03",),
    "ROUTE-11": ("ROUTE-03", "ROUTE-09"),
    "TIME-01": ("CANCEL-01", "ROUTE-09", "EARLY-03"),
    "AUTH-10": ("AUTH-02", "AUTH-03", "AUTH-05", "AUTH-08"),
    "AUTH-03": ("AUTH-08",),
    "AUTH-06": ("AUTH-02", "AUTH-05"),
    "AUTH-07": ("AUTH-01", "AUTH-02"),
    "AUTH-11": ("AUTH-01", "AUTH-02", "AUTH-03", "AUTH-08", "ROUTE-02", "NET-01", "SEC-01", "NUM-02"),
    "AUTH-12": ("AUTH-04",),
    "AUTH-14": ("AUTH-08", "AUTH-01", "NET-01", "ROUTE-05"),
    "NUM-01": ("ROUTE-02",),
    "NUM-05": ("AUTH-04", "ROUTE-02"),
    "CLI-03": ("AUTH-03", "AUTH-04", "CLI-01", "CLI-02", "CLI-04"),
    "SRTP-01": ("COD-01",),
    "SRTP-02": ("COD-01",),
    "SRTP-05": ("QUAL-05", "QUAL-07"),
    "COD-02": ("QUAL-05",),
    "COD-01": ("REINV-01",),
    "FAX-01": ("REINV-01", "COD-01"),
    "REINV-02": ("MEDIA-02", "MEDIA-06", "MEDIA-03"),
    "QUAL-01": ("QUAL-03", "MEDIA-06"),
    "QUAL-02": ("QUAL-03",),
    "EARLY-01": ("TIME-02", "ROUTE-03"),
    "DTMF-01": ("DTMF-03",),
    "CAP-07": ("MEDIA-06", "QUAL-01", "QUAL-02"),
    "MALF-05": ("MALF-01", "MALF-02", "MALF-03", "MALF-04", "SDP-07"),
    "MALF-02": ("SDP-07", "COD-01"),
    "MALF-04": ("DLG-06",),
}
"""Cause to effects, for the same call."""


OF_ONE_STREAM = ("QUAL-01", "QUAL-02", "QUAL-03", "MEDIA-06")
"""What they say they say of one direction."""


def suppress(findings: list[Finding]) -> list[Finding]:
    """Sets `caused_by`, and drops heuristics that the provider's own word makes needless. An effect that also touches
    calls without the cause stays a finding of its own, for those.
    """
    findings = _without_the_explained(_word_of_provider(findings))
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    for cause, effects in EFFECTS.items():
        for causing in by_rule.get(cause, ()):
            if causing.severity == "info" and cause not in ("CAP-07", "CANCEL-03"):
                continue
            for effect in effects:
                for finding in by_rule.get(effect, ()):
                    if finding is not causing and not finding.caused_by and _covers(causing, finding):
                        finding.caused_by = cause
    _break_circles(findings)
    return findings


UNEXPLAINED = "ROUTE-14"
SAYS_WHY = ("ROUTE-05", "ROUTE-09", "CANCEL-01")
"""Remarks that explain why a call did not come about; other remarks explain nothing."""
EXPLAINS = (
    *REFUSALS,
    *("AUTH-05", "AUTH-06", "AUTH-07", "AUTH-10", "AUTH-11", "AUTH-12", "AUTH-13", "AUTH-14", "AUTH-15"),
    *("NUM-01", "NUM-05", "CLI-01", "CLI-02", "CLI-04", "CLI-05", "ROUTE-04", "ROUTE-07", "ROUTE-08"),
    *("SDP-03", "SDP-04", "SDP-05", "SDP-07", "SDP-08", "SDP-09", "SRTP-03", "COD-05", "FAX-01", "FAX-03"),
    *("TIME-01", "NET-01", "NET-02", "NET-03", "NET-09", "MALF-01", "MALF-02", "MALF-04", "DLG-06", "SEC-01"),
)
"""Rules whose findings may be why a call was refused. A private address in Contact, say, is not."""


def _without_the_explained(findings: list[Finding]) -> list[Finding]:
    """A refusal that nothing explains is one only where no other finding touches the call."""
    if not any(finding.rule == UNEXPLAINED for finding in findings):
        return findings
    explained = {
        call
        for finding in findings
        if (finding.severity != "info" and finding.rule in EXPLAINS) or finding.rule in SAYS_WHY
        for call in finding.calls
    }
    kept: list[Finding] = []
    for finding in findings:
        if finding.rule == UNEXPLAINED and finding.calls:
            finding.calls = [call for call in finding.calls if call not in explained]
            if not finding.calls:
                continue
        kept.append(finding)
    return kept


def _covers(cause: Finding, effect: Finding) -> bool:
    if cause.rule == "CAP-07":
        # Packets of two interfaces in the wrong order (`clock`) explain no missing audio.
        return cause.merge_key == "gaps"
    if cause.rule == "SDP-01" and cause.severity != "critical":
        return False  # the RTP that it would keep away arrives all the same
    if cause.rule in OF_ONE_STREAM and effect.rule in OF_ONE_STREAM:
        there, mine = ({item.stream for item in finding.evidence} for finding in (cause, effect))
        if None not in mine and not mine <= there:
            return False  # the other direction of the call
    return bool(effect.calls) and set(effect.calls) <= set(cause.calls)


def _word_of_provider(findings: list[Finding]) -> list[Finding]:
    told: dict[str, set[str]] = {}
    for finding in findings:
        if finding.merge_key.startswith("provider:"):
            for call in finding.calls:
                told.setdefault(call, set()).add(finding.rule)
    if not told:
        return findings
    kept: list[Finding] = []
    for finding in findings:
        if finding.merge_key.startswith("provider:"):
            kept.append(finding)
            continue
        # The same rule by its own wits adds nothing; a rule that reads refusals has nothing left to guess.
        guess = finding.rule in REFUSALS
        calls = [call for call in finding.calls if not (told.get(call) and (guess or finding.rule in told[call]))]
        if calls or not finding.calls:
            finding.calls = calls
            kept.append(finding)
    return kept


def _break_circles(findings: list[Finding]) -> None:
    """A cause that is itself beneath another stays there; two that name each other: the first stays on top."""
    cause_of = {finding.rule: finding.caused_by for finding in findings if finding.caused_by}
    for finding in findings:
        seen, rule = {finding.rule}, finding.caused_by
        while rule:
            if rule in seen:
                finding.caused_by = ""
                cause_of.pop(finding.rule, None)
                break
            seen.add(rule)
            rule = cause_of.get(rule, "")
