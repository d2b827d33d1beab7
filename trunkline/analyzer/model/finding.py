"""What the rules say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "warn", "info", "security"]
Confidence = Literal["proven", "strong", "hint"]
"""proven: the evidence allows no other reading; strong: others are unlikely; hint: worth a look."""


@dataclass(slots=True)
class Evidence:
    """One place that shows it. `text` is quoted from the input; it may be hostile, each report escapes it."""

    file: int = 0
    frame: int | None = None
    line: int | None = None
    """Line of a text log."""
    header: str = ""
    """`Contact`, `SDP c=`, `start line`, `RTP`, … """
    text: str = ""
    message: int | None = None
    """Index of the message, for the ladder; None: media or something else."""
    message_line: int | None = None
    """Line within that message that is to be marked."""
    stream: int | None = None
    """Index into `Media.streams`."""
    time: float | None = None


@dataclass(slots=True)
class Fix:
    """A change to make, filled in with the values of the trace."""

    pbx: str
    """Name of a `pbx` system; `any` where it is no setting of a PBX."""
    title: str
    file: str = ""
    """Where to change it: `pjsip.conf`, a page of a web interface …"""
    snippet: str = ""
    text: str = ""


@dataclass(slots=True)
class Finding:
    """One problem. Equal ones of several calls are one finding with several calls."""

    rule: str
    severity: Severity
    confidence: Confidence
    title: str
    what: str
    """What is wrong, in one or two sentences with the values of the trace."""
    why: str
    """Why that breaks the call, and how it works."""
    reference: str
    """`RFC 3261 section 13.3.1.4`, or the provider's document."""
    evidence: list[Evidence] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)
    fix_values: dict[str, str] = field(default_factory=dict)
    """For the fix templates: `public_ip`, `private_ip`, `did` … (`trunkline/pbx/snippets.py` has the list)."""
    merge_key: str = ""
    """Findings of one rule with the same key are merged over calls; the values that `what` names belong in it."""
    caused_by: str = ""
    """Rule id of the finding whose consequence this is: shown beneath it, not by itself."""
