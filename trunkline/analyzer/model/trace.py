"""All that is known about the input: what the rules read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trunkline.analyzer.model.call import Call, Dialog
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.stream import Media

if TYPE_CHECKING:
    from trunkline.analyzer.profiles.profile import Profile


@dataclass(slots=True)
class Options:
    """What the user said beside the files."""

    provider: str | None = None
    """`twilio`, `trunkline`, `generic`, or a file; None: recognise."""
    profile: Profile | None = None
    """A profile that is known already, instead of `provider`: the running trunk's own."""
    pbx: str | None = None
    """None: recognise."""
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    """User name to password (rule AUTH-10). Never printed, never stored."""
    own_numbers: tuple[str, ...] = ()
    """Numbers of the trunk, +E.164, where they are known."""


@dataclass(slots=True)
class Trace:
    """The input, worked out."""

    capture: Capture
    messages: list[Message]
    dialogs: list[Dialog]
    calls: list[Call]
    media: Media
    profile: Profile
    profile_why: str
    """How the provider was recognised, in words."""
    options: Options
    one_sided: bool = False
    """Everything goes one way (rule CAP-01): nothing may be missed in the other direction."""
    inside_nat: bool = False
    """Taken inside the customer's network: its own packets carry the private address."""
    start: float | None = None
    end: float | None = None
    """Time of the last packet: what a timer would still have to wait for is not missing."""
    facts: object | None = field(default=None, repr=False)
    """What `rules` made of it for themselves (`rules.facts.Facts`)."""


@dataclass(slots=True)
class Analysis:
    """The result of `trunkline.analyzer.analyze`: the trace and what the rules say of it."""

    trace: Trace
    findings: list[Finding]
    """By weight: causes first, then effects, then noise."""
    verdict: str
    """One sentence."""
    seconds: float = 0.0
