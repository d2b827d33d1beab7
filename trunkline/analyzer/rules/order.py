"""The order in which people should read findings: cause, effect, noise."""

from __future__ import annotations

from trunkline.analyzer.model.finding import Finding

_SEVERITY = {"critical": 0, "security": 2, "warn": 1, "info": 3}
_CONFIDENCE = {"proven": 0, "strong": 1, "hint": 2}
_NEAR_THE_CAUSE = {
    "MALF": 0,
    "AUTH": 1,
    "SRTP": 2,
    "NAT": 2,
    "SDP": 2,
    "NUM": 3,
    "CLI": 3,
    "COD": 3,
    "NET": 4,
    "DLG": 5,
    "TIMER": 5,
    "REINV": 5,
    "FAX": 5,
    "XFER": 6,
    "DTMF": 6,
    "ROUTE": 6,
    "EARLY": 7,
    "CANCEL": 7,
    "TIME": 7,
    "MEDIA": 8,
    "QUAL": 9,
    "SEC": 9,
    "CAP": 10,
}


def by_weight(findings: list[Finding]) -> list[Finding]:
    """Grave before light, what stands by itself before consequences, proven before guessed, then by how near the group
    is to causes, and by how many calls it touches.
    """
    return sorted(
        findings,
        key=lambda finding: (
            bool(finding.caused_by),
            _SEVERITY[finding.severity],
            not finding.merge_key.startswith("provider:"),
            _CONFIDENCE[finding.confidence],
            _NEAR_THE_CAUSE.get(finding.rule.partition("-")[0], 8),
            -len(finding.calls),
            finding.rule,
        ),
    )
