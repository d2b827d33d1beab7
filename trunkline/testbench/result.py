"""What a test call was: the record that agents hand to tests and to `trunkline call`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from trunkline.testbench.tone import ToneReading


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """The media of one call as this agent saw it."""

    codec: str | None = None
    """Name and clock rate, `PCMU/8000`; None: no media was agreed."""
    srtp: bool = False
    rtp_sent: int = 0
    """Packets."""
    rtp_received: int = 0
    rtp_lost: int = 0
    """Packets of the received stream that never came (RFC 3550 appendix A.3, by PJSIP)."""
    jitter_ms: float | None = None
    """Mean interarrival jitter of the received stream (RFC 3550 section 6.4.1)."""
    round_trip_ms: float | None = None
    """From RTCP; None until the first report came back (some 5 s)."""
    remote_rtp: str | None = None
    """host:port that we sent RTP to."""
    dtmf_received: str = ""
    """Digits by RFC 4733, in order."""
    tone: ToneReading | None = None
    """The received audio after the answer; None when it was not recorded."""
    early_tone: ToneReading | None = None
    """The received audio before the answer; None when there was none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response to our INVITE."""

    at: float
    """Seconds after the first INVITE."""
    sip_status: int
    sip_reason: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Seconds after the first INVITE left; None: did not happen."""

    trying: float | None = None
    """First 100."""
    ringing: float | None = None
    """First 180 to 199."""
    answered: float | None = None
    """2xx to the INVITE."""
    ended: float | None = None
    """BYE, CANCEL or the final failure, whichever ended the call."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """One placed call, finished (`finished` is True) or as it stands."""

    call_id: str
    """SIP Call-ID."""
    ruri: str
    next_hop: str
    """host:port;transport=… that the INVITE went to."""
    caller: str
    """User part of our From."""
    finished: bool = False
    sip_status: int | None = None
    """The last final status of the INVITE (487 after our CANCEL); None: no final response came."""
    sip_reason: str = ""
    twilio_error: str | None = None
    """X-Twilio-Error of the last final response."""
    reason_header: str | None = None
    """Reason (RFC 3326) of what ended the call."""
    challenges: int = 0
    """How many 401 and 407 came for the INVITE."""
    credentials_sent: bool = False
    answers: tuple[Answer, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)
    ended_by: str | None = None
    """caller, callee, or None while the call is up or when nobody answered at all."""
    failure: str | None = None
    """Why the agent itself could not place the call or get a response (connection refused, …)."""
    media: MediaFigures = field(default_factory=MediaFigures)

    @property
    def answered(self) -> bool:
        return self.timeline.answered is not None

    @property
    def early_media_heard(self) -> bool:
        early = self.media.early_tone
        return early is not None and early.seconds - early.silent_seconds >= 0.2


def to_json(record: Any) -> dict[str, Any]:
    """A result (or any dataclass of this module) as JSON values."""
    return asdict(record)


def media_from_json(fields: Mapping[str, Any]) -> MediaFigures:
    tones = {name: ToneReading(**fields[name]) if fields.get(name) else None for name in ("tone", "early_tone")}
    return MediaFigures(**{**fields, **tones})


def call_result_from_json(fields: Mapping[str, Any]) -> CallResult:
    """The inverse of to_json for a CallResult."""
    return CallResult(
        **{
            **fields,
            "answers": tuple(Answer(**answer) for answer in fields["answers"]),
            "timeline": Timeline(**fields["timeline"]),
            "media": media_from_json(fields["media"]),
        }
    )


@dataclass(frozen=True, slots=True)
class SeenInvite:
    """One call that reached this agent."""

    at: float
    """Unix seconds."""
    call_id: str
    caller: str
    """User part of From."""
    called: str
    """User part of the Request-URI."""
    ruri: str
    from_header: str
    to_header: str
    asserted_identity: str | None
    """P-Asserted-Identity as it stood."""
    headers: tuple[tuple[str, str], ...]
    """All headers of the INVITE, in order."""
    source: str
    """`udp:127.0.0.1:5060`"""
    secure: bool = False
    """SRTP was offered."""
    answered: bool = False
    sip_status: int | None = None
    """Our final response; None: not yet, or never (silent listener)."""
    cancelled: bool = False
    """The caller gave up before the answer."""
    ended: bool = False
    ended_by: str | None = None
    """caller or callee (this agent)."""
    timeline: Timeline = field(default_factory=Timeline)
    media: MediaFigures = field(default_factory=MediaFigures)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def x_headers(self) -> dict[str, str]:
        return {name: value for name, value in self.headers if name.lower().startswith("x-")}


def seen_invite_from_json(fields: Mapping[str, Any]) -> SeenInvite:
    """The inverse of to_json for a SeenInvite."""
    return SeenInvite(
        **{
            **fields,
            "headers": tuple((name, value) for name, value in fields["headers"]),
            "timeline": Timeline(**fields["timeline"]),
            "media": media_from_json(fields["media"]),
        }
    )
