"""What lint found, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PROBLEM: Literal["problem"] = "problem"
HINT: Literal["hint"] = "hint"
Severity = Literal["problem", "hint"]


@dataclass(frozen=True, slots=True)
class Place:
    """One line of one file."""

    file: str
    line: int
    """From 1."""
    text: str = ""
    """The line as it stands there; secrets are left out."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One setting that breaks something (`problem`: its effect is certain) or that may do so (`hint`)."""

    rule: str
    """Id of a rule of the analyzer: what a trace of a call would show."""
    severity: Severity
    place: Place
    what: str
    """What the setting does, in one sentence with its values."""
    why: str
    """What comes of it."""
    corrected: str = ""
    """The lines as they should be."""
    provider: str = ""
    """Name of the profile that it was judged by."""

    def to_json(self) -> dict[str, object]:
        """Plain values, for `--json`."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "file": self.place.file,
            "line": self.place.line,
            "text": self.place.text,
            "what": self.what,
            "why": self.why,
            "corrected": self.corrected,
            "provider": self.provider,
        }
