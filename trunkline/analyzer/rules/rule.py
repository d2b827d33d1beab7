"""What a rule is: its id, how grave it is, what it needs of the trace, and how it makes findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from trunkline.analyzer.model.finding import Confidence, Evidence, Finding, Severity

Need = Literal["time", "addresses", "both_directions", "media"]
"""time: messages carry times (CAP-06); addresses: they carry source and destination; both_directions: the capture is
not one-sided (CAP-01); media: it holds media at all. A trace that lacks one of them is not judged by the rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its file has `RULE` and `check(trace)`, which yields findings."""

    id: str
    title: str
    severity: Severity
    reference: str
    """`RFC 3261 section 13.3.1.4`, or the provider's document."""
    fix: str
    """One sentence that holds for any PBX; the snippets of `trunkline.pbx` say it in the words of one."""
    needs: tuple[Need, ...] = ()

    def finding(
        self,
        what: str,
        why: str,
        *,
        calls: Iterable[str] = (),
        evidence: Iterable[Evidence | None] = (),
        severity: Severity | None = None,
        confidence: Confidence = "proven",
        key: str = "",
        values: Mapping[str, str | int | None] | None = None,
        **more: str | int | None,
    ) -> Finding:
        """`key`: findings of this rule with the same key are merged over calls (default: `what`). `values` and `more`:
        for the fix templates; empty ones are left out.
        """
        return Finding(
            rule=self.id,
            severity=severity or self.severity,
            confidence=confidence,
            title=self.title,
            what=what,
            why=why,
            reference=self.reference,
            evidence=[item for item in evidence if item is not None],
            calls=list(dict.fromkeys(calls)),
            fix_values={
                name: str(value) for name, value in {**(values or {}), **more}.items() if value not in (None, "")
            },
            merge_key=key or what,
        )
