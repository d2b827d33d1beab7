"""What was read, before anyone knows about SIP calls: the contract between `read`, `text`, `media` and `calls`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple


class Endpoint(NamedTuple):
    """One side of a flow. Prints as `192.0.2.1:5060` or `[2001:db8::1]:5060`."""

    ip: str
    """Canonical text (`ipaddress`)."""
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(slots=True)
class Place:
    """Where in the input something stands, for evidence. Frames and lines count from 1 in each file."""

    file: int = 0
    """Index into `Capture.files`."""
    frame: int | None = None
    """The frame with the last byte, as Wireshark shows what it put together."""
    line: int | None = None
    """Of a text log: the message's first line."""


class LinkFacts(NamedTuple):
    """What tells a packet that was captured twice from one that was sent twice (rule CAP-03). None: not captured."""

    ip_id: int | None = None
    ttl: int | None = None
    dscp: int | None = None
    src_mac: str | None = None
    dst_mac: str | None = None
    vlan: tuple[int, ...] = ()
    interface: int | None = None


NOTHING_KNOWN = LinkFacts()

Transport = Literal["udp", "tcp", "tls", "ws", "wss", "sctp", "unknown"]


@dataclass(slots=True)
class RawMessage:
    """The bytes of one SIP message, as they were on the wire (or as the log gives them)."""

    data: bytes
    place: Place
    time: float | None = None
    """Unix seconds; None where the source gives none (pasted messages). A log without a date counts from 0."""
    src: Endpoint | None = None
    dst: Endpoint | None = None
    transport: Transport = "unknown"
    source: Literal["packet", "hep", "text"] = "packet"
    sent_by_us: bool | None = None
    """Text logs: whether the program that wrote the log sent it. None: not known."""
    frames: tuple[int, ...] = ()
    """All frames that carry a part of it, in order."""
    ip_fragments: int = 0
    """Of how many IP fragments it was put together; 0: not fragmented."""
    truncated: bool = False
    """The capture has less of it than was on the wire (snaplen, lost TCP segment, missing fragment)."""
    wire_length: int | None = None
    """Bytes of the UDP payload on the wire; None for streams and logs."""
    trailing: bytes = b""
    """Bytes of the datagram behind the body that Content-Length gives."""
    link: LinkFacts = NOTHING_KNOWN
    correlation_id: str | None = None
    """HEP's correlation id, a log's session id: messages that share it belong to one call."""
    capture_point: str | None = None
    """HEP's capture agent, a pcapng's interface name: what tells capture points apart."""


@dataclass(slots=True)
class IcmpError:
    """ICMP type 3 / 11 or ICMPv6 type 1 to 4, and the packet that it quotes."""

    place: Place
    time: float
    sender: str
    type: int
    code: int
    src: Endpoint
    """Who had sent the quoted packet."""
    dst: Endpoint
    protocol: Literal["udp", "tcp", "other"]
    quotes_sip: bool = False
    """The quoted datagram begins with a SIP message."""


@dataclass(slots=True)
class TlsFact:
    """One thing seen of a TLS handshake that nobody can decrypt."""

    place: Place
    time: float
    src: Endpoint
    dst: Endpoint
    kind: Literal["client_hello", "server_hello", "certificate", "alert", "application_data"]
    version: str = ""
    """`TLS 1.0` … `TLS 1.3`: of a client_hello the highest that is offered."""
    server_name: str = ""
    alpn: tuple[str, ...] = ()
    alert: str = ""
    """Name of the alert (RFC 8446 section 6), with `fatal` false for close_notify."""
    fatal: bool = False
    certificates: tuple[bytes, ...] = ()
    """DER, the leaf first (up to TLS 1.2: later ones are encrypted)."""


@dataclass(slots=True)
class TcpFact:
    """A beginning or an end of a TCP connection."""

    place: Place
    time: float
    src: Endpoint
    dst: Endpoint
    kind: Literal["syn", "syn_ack", "rst", "fin"]
    payload_before: bool = False
    """Whether the connection had carried data."""


@dataclass(slots=True)
class DnsFact:
    """A DNS answer, or a question that got none (`rcode` is None)."""

    place: Place
    time: float
    server: Endpoint
    client: Endpoint
    name: str
    type: str
    """`A`, `AAAA`, `SRV`, `NAPTR`, or the number as text."""
    rcode: int | None
    answers: tuple[str, ...] = ()
    delay: float | None = None
    """Seconds from question to answer."""


@dataclass(slots=True)
class Damage:
    """Something of the input that could not be read, or was not read because of a limit. What was read still counts."""

    file: int
    what: str
    """One sentence for people."""
    place: Place | None = None


@dataclass(slots=True)
class SourceFile:
    """One file of the input."""

    name: str
    format: str
    """`pcap`, `pcapng`, `netmon2`, `hep`, `text:asterisk-pjsip` …; packed ones `pcap.gz`."""
    size: int
    packets: int = 0
    first: float | None = None
    last: float | None = None
    link_types: tuple[str, ...] = ()
    snaplen_cut: int = 0
    """Frames of which the capture has less than was on the wire."""
    clock_backsteps: int = 0
    """Frames whose time is more than 1 ms before the one ahead of it."""
    unread: dict[str, int] = field(default_factory=dict)
    """Frames by what they are where nobody reads them (`arp`, `lldp` …), for the report's bottom."""


@dataclass(slots=True)
class Capture:
    """Everything that the input held, but the media streams, which are worked on while the file is read."""

    files: list[SourceFile] = field(default_factory=list)
    messages: list[RawMessage] = field(default_factory=list)
    """In the order of time where there is one, else of the input. Truncated and malformed ones too."""
    icmp: list[IcmpError] = field(default_factory=list)
    tls: list[TlsFact] = field(default_factory=list)
    tcp: list[TcpFact] = field(default_factory=list)
    dns: list[DnsFact] = field(default_factory=list)
    lost_fragments: list[Place] = field(default_factory=list)
    """First fragments of UDP datagrams to or from a SIP peer whose other fragments never came."""
    not_sip: list[RawMessage] = field(default_factory=list)
    """Datagrams on a port where SIP is spoken that are neither SIP nor what else belongs there (fuzz, scans)."""
    damage: list[Damage] = field(default_factory=list)
