"""SIP as it was read: messages with the byte offset of every header, SDP with its lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trunkline.analyzer.model.capture import Endpoint, Place, RawMessage
from trunkline.analyzer.model.head import Head, Header

__all__ = ["Head", "Header", "Message", "NameAddr", "Problem", "Sdp", "SdpMedia", "Via"]


@dataclass(slots=True)
class Problem:
    """Something that the parser had to overlook (rules MALF-*). `kind` is a word of `sip/parser.py`'s list."""

    kind: str
    text: str
    line: int = 1


@dataclass(slots=True)
class NameAddr:
    """From, To, Contact, Route …: a URI with a display name and parameters."""

    display: str
    uri: str
    scheme: str
    user: str
    host: str
    """Without brackets."""
    port: int | None
    uri_params: dict[str, str | None]
    params: dict[str, str | None]
    """Behind the `>`; `tag`, `expires`, `q` …"""


@dataclass(slots=True)
class Via:
    """One Via value (RFC 3261 section 20.42)."""

    transport: str
    host: str
    port: int | None
    params: dict[str, str | None]

    @property
    def branch(self) -> str:
        return self.params.get("branch") or ""


@dataclass(slots=True)
class SdpMedia:
    """One m= section, with what it inherits from the session."""

    kind: str
    """`audio`, `video`, `image` …"""
    port: int
    protocol: str
    formats: tuple[str, ...]
    address: str
    """From its own c= or the session's; empty: there is none."""
    family: str
    """`IP4`, `IP6` or empty."""
    direction: str
    """`sendrecv`, `sendonly`, `recvonly`, `inactive`."""
    rtpmap: dict[int, tuple[str, int, int]]
    """Payload type to (encoding name, clock rate, channels); static types that no a=rtpmap names are filled in."""
    fmtp: dict[int, str]
    ptime: int | None
    maxptime: int | None
    rtcp_port: int | None
    rtcp_mux: bool
    crypto: tuple[str, ...]
    """Values of a=crypto: tag, suite, keys."""
    attributes: tuple[str, ...]
    """All a= values of the section, in order."""
    line: int
    """Line of the body that holds its m=, from 1."""
    address_line: int

    @property
    def telephone_event(self) -> dict[int, int]:
        """Payload types of telephone-event and their clock rate."""
        return {pt: clock for pt, (name, clock, _) in self.rtpmap.items() if name.lower() == "telephone-event"}


@dataclass(slots=True)
class Sdp:
    """A session description (RFC 8866), read leniently: `problems` says what was wrong with it."""

    origin: str
    session_id: str
    session_version: str
    address: str
    media: list[SdpMedia]
    attributes: tuple[str, ...]
    text: str
    offset: int
    """Of its first byte in the message."""
    first_line: int
    """Line of the message that holds v=."""
    problems: list[Problem] = field(default_factory=list)
    audio: SdpMedia | None = field(init=False, repr=False, compare=False)
    """The first audio section."""

    def __post_init__(self) -> None:
        self.audio = self.first("audio")

    def first(self, kind: str) -> SdpMedia | None:
        """The first section of this kind, also one that is refused (port 0)."""
        for section in self.media:
            if section.kind == kind:
                return section
        return None


@dataclass(slots=True)
class Message:
    """One SIP request or response. `frame N, header k` of evidence comes from `raw.place` and `headers`."""

    raw: RawMessage
    index: int
    """In `Trace.messages`."""
    method: str
    """Of a request its own, of a response that of CSeq."""
    ruri: str
    """Empty in a response."""
    status: int
    """0 in a request."""
    reason: str
    head: Head
    body_offset: int
    body: bytes
    call_id: str
    cseq: int
    cseq_method: str
    from_: NameAddr | None
    to: NameAddr | None
    vias: tuple[Via, ...]
    problems: list[Problem] = field(default_factory=list)
    duplicate_of: int | None = None
    """The same packet captured twice (rule CAP-03): index of the first. Only the message count counts it again."""
    retransmission_of: int | None = None
    """Index of the first message that this one repeats."""
    is_request: bool = True
    time: float | None = None
    """These and the following as `raw` and `from_` and `to` have them: the rules ask for them all the time."""
    src: Endpoint | None = None
    dst: Endpoint | None = None
    from_tag: str = ""
    to_tag: str = ""
    _sdp: Sdp | Literal[False] | None = field(default=False, repr=False, compare=False)
    """False: not yet looked for."""

    @property
    def place(self) -> Place:
        return self.raw.place

    @property
    def sdp(self) -> Sdp | None:
        """The session description in the body, also one within multipart; read when it is first asked for."""
        if self._sdp is False:
            from trunkline.analyzer.sip.sdp import sdp_of

            self._sdp = sdp_of(self)
        return self._sdp or None

    @property
    def headers(self) -> list[Header]:
        """All header lines, in order."""
        return self.head.headers

    def has(self, name: str) -> bool:
        """Whether there is a header of this name (canonical spelling)."""
        return name in self.head.where

    def header(self, name: str) -> Header | None:
        """The first header of this name (canonical spelling)."""
        return self.head.first(name)

    def value(self, name: str) -> str:
        """Its value, or empty."""
        head = self.head
        position = head.where.get(name)
        return "" if position is None else head.lines[position].value

    def all(self, name: str) -> list[Header]:
        return self.head.all(name)

    def values(self, name: str) -> list[str]:
        """All values of all headers of this name, lists split at their commas (RFC 3261 section 7.3.1)."""
        from trunkline.analyzer.sip.address import split_values

        if name not in self.head.where:
            return []
        return [value for line in self.head.all_values(name) for value in split_values(line)]

    def addresses(self, name: str) -> list[NameAddr]:
        """The same, read as addresses: Contact, Route, Record-Route, P-Asserted-Identity, Diversion …"""
        from trunkline.analyzer.sip.address import read_name_addr

        return [found for value in self.values(name) if (found := read_name_addr(value)) is not None]
