"""Media as it was on the wire: the contract between `media`, `calls` and `rules`. Times: Unix seconds, levels: dBm0."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from trunkline.analyzer.model.capture import Endpoint, Place


@dataclass(slots=True)
class Gap:
    """A stretch in which a stream should have carried packets and did not."""

    start: float
    seconds: float
    lost: int
    """Sequence numbers that are missing in it; 0: the sender paused."""
    excused: bool
    """Marker bit or timestamps that kept pace: silence suppression, not loss (rule COD-07)."""


@dataclass(slots=True)
class DtmfEvent:
    """One key of RFC 4733."""

    digit: str
    """`0`-`9 * # A-D`, or the event's number as text (`32`-`54`: fax)."""
    start: float
    duration_ms: float
    end_packets: int
    packets: int
    payload_type: int
    marker: bool
    timestamps: int = 1
    """Different RTP timestamps within the event: more than one is a fault."""
    shrinking: bool = False
    """The duration went back within the event."""
    place: Place = field(default_factory=Place)


@dataclass(slots=True)
class Tone:
    """Tones found in the audio itself: DTMF pairs, and what a fax machine sends."""

    kind: Literal["dtmf", "ced", "cng", "v21"]
    digit: str
    start: float
    duration_ms: float


@dataclass(slots=True)
class Second:
    """One second of a stream, for the report's charts."""

    packets: int
    lost: int
    jitter_ms: float
    level_dbm0: float | None
    """None: not decodable (SRTP, a codec without table), or no packet."""


@dataclass(slots=True)
class Silence:
    """A stretch in which packets flow and carry nothing (rule QUAL-05)."""

    start: float
    seconds: float


@dataclass(slots=True)
class Stream:
    """One direction of RTP: same source, destination and SSRC, without a restart of the sequence in between."""

    ssrc: int
    src: Endpoint
    dst: Endpoint
    first: float
    last: float
    first_place: Place
    last_place: Place
    packets: int
    """Distinct ones and duplicates, as tshark counts."""
    octets: int
    payload_type: int
    """Of the most packets that are neither events nor comfort noise."""
    payload_types: dict[int, int]
    """Packets by payload type."""
    payload_type_changes: list[tuple[float, int, int, Place]] = field(default_factory=list)
    """Time, from, to; events and comfort noise left out. At most 50."""
    codec: str = ""
    """Encoding name as in SDP (`PCMU`), static types by RFC 3551, dynamic ones from the SDP of the call; empty:
    unknown.
    """
    clock_rate: int = 8000
    expected: int = 0
    """Extended range of sequence numbers: last - first + 1."""
    lost: int = 0
    """Distinct numbers that never came. Never negative."""
    duplicates: int = 0
    captured_twice: int = 0
    """Duplicates that the capture made (same packet, under 5 ms): in `duplicates` they do not count."""
    reordered: int = 0
    max_burst: int = 0
    """Longest run of lost packets."""
    burst_ratio: float = 1.0
    """Measured mean burst over that of random loss (ITU-T G.107)."""
    worst_10s_loss: float = 0.0
    """Share of lost packets in the worst 10 s, 0 to 1."""
    jitter_mean_ms: float = 0.0
    """RFC 3550 section 6.4.1 over all packets but events and comfort noise, and what comes right after them."""
    jitter_max_ms: float = 0.0
    jitter_p95_ms: float = 0.0
    delay_p95_ms: float = 0.0
    """95th percentile of how late packets come against the earliest."""
    max_delta_ms: float = 0.0
    """Between audio packets; events, comfort noise and pauses of silence suppression left out."""
    gaps: list[Gap] = field(default_factory=list)
    """Longer than 300 ms; at most 100, the longest."""
    ptime_ms: float | None = None
    """Median step of timestamps."""
    paired: bool = False
    """Packets leave in pairs at the source (0/40 ms): jitter of the sender, not of the network (rule QUAL-02)."""
    skew_ppm: float | None = None
    """Sender's clock against the capture's; None under 20 s."""
    wrong_clock: float | None = None
    """Measured timestamp rate in Hz where it is more than 2 % from `clock_rate`."""
    marker_packets: int = 0
    comfort_noise: int = 0
    dtx: bool = False
    level_dbm0: float | None = None
    """Of active speech."""
    peak_clipped: float = 0.0
    """Share of samples at full scale."""
    silence_share: float | None = None
    silences: list[Silence] = field(default_factory=list)
    constant_payload: bool = False
    encrypted: bool | None = None
    """By the bytes: True looks like SRTP, False is clear, None cannot be told."""
    events: list[DtmfEvent] = field(default_factory=list)
    tones: list[Tone] = field(default_factory=list)
    mos: float | None = None
    """Estimate by the E-model (ITU-T G.107); None where codec or packets give no ground."""
    mos_basis: str = ""
    """From what it was estimated, in words."""
    wideband: bool = False
    dscp: int | None = None
    dscp_values: dict[int, int] = field(default_factory=dict)
    seconds: list[Second] = field(default_factory=list)
    restarts: int = 0
    """New SSRC or a jump of more than 1,000 on the same flow before this stream (rule MEDIA-07)."""
    call: str | None = None
    """Id of the call (`Call.id`) that it was matched with."""
    match: str = ""
    """How: `sdp`, `latched`, `time` (heuristic), empty."""
    from_caller: bool | None = None
    """Whether the call's caller side sent it; None: not known."""
    heuristic: bool = False
    """Found by its looks alone: no SDP names its ports."""
    raw: Any = field(default=None, repr=False, compare=False)
    """The packets as columns, as long as an SDP may still say what its payload types are (`media.payload_types`); else
    None.
    """

    fingerprint: Any = field(default=None, repr=False, compare=False)
    """Of what it carries (`media.fingerprint`), until legs are joined; None: not taken."""

    @property
    def loss_share(self) -> float:
        return self.lost / self.expected if self.expected else 0.0

    @property
    def duration(self) -> float:
        return self.last - self.first


@dataclass(slots=True)
class RtcpReport:
    """A report block: what the other side says that it received (RFC 3550 section 6.4, XR: RFC 3611)."""

    place: Place
    time: float
    src: Endpoint
    dst: Endpoint
    reporter_ssrc: int
    ssrc: int
    """The stream that it is about."""
    fraction_lost: float
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    round_trip_ms: float | None = None
    xr_mos: float | None = None


@dataclass(slots=True)
class OtherFlow:
    """UDP between two endpoints that is no RTP: told apart packet by packet (RFC 7983)."""

    kind: Literal["stun", "dtls", "zrtp", "udptl", "rtcp", "unknown"]
    src: Endpoint
    dst: Endpoint
    packets: int
    first: float
    last: float
    first_place: Place
    mapped: Endpoint | None = None
    """STUN's (XOR-)MAPPED-ADDRESS: how the world sees the asker."""


@dataclass(slots=True)
class Media:
    """All media of the input."""

    streams: list[Stream] = field(default_factory=list)
    """By first packet."""
    rtcp: list[RtcpReport] = field(default_factory=list)
    other: list[OtherFlow] = field(default_factory=list)
    captured: bool = False
    """Whether the capture holds UDP beside SIP, DNS and the like at all: without it, no rule may miss media."""
    capture_gaps: list[Gap] = field(default_factory=list)
    """Stretches in which every stream pauses at once: the capture's fault (rule CAP-07)."""
    unmeasured: int = 0
    """Streams of a few packets that were left out, because there are thousands of them."""
    doubtful: list[Stream] = field(default_factory=list)
    """Packets that look like RTP, but are too few, or numbered too oddly, to prove it: streams only if an SDP names
    their ports.
    """
