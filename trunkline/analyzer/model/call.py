"""Messages put together: transactions, dialogs, legs' calls. Built by `calls`, read by `rules` and `report`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.message import Message, Sdp


@dataclass(slots=True)
class Transaction:
    """A request and its responses on one hop (RFC 3261 section 17.1.3; RFC 2543 matching where the branch is old)."""

    request: Message | None
    """None: the capture begins after it."""
    method: str
    requests: list[Message] = field(default_factory=list)
    """The request and its retransmissions."""
    responses: list[Message] = field(default_factory=list)
    """Retransmissions too."""
    ack: list[Message] = field(default_factory=list)
    """Of an INVITE: ACKs, also those of a 2xx, which are transactions of their own (section 13.2.2.4)."""
    cancel: Message | None = None
    client: Endpoint | None = None
    server: Endpoint | None = None

    @property
    def final(self) -> Message | None:
        """The first final response."""
        for message in self.responses:
            if message.status >= 200:
                return message
        return None

    @property
    def provisional(self) -> list[Message]:
        return [message for message in self.responses if message.status < 200]


@dataclass(slots=True)
class OfferAnswer:
    """One exchange of SDP on one hop (RFC 3264)."""

    offer: Message
    offer_sdp: Sdp
    answer: Message | None = None
    answer_sdp: Sdp | None = None


@dataclass(slots=True)
class Dialog:
    """All messages of one Call-ID between two endpoints: one hop of a call. Forked answers share it (`to_tags`)."""

    call_id: str
    kind: Literal["call", "registration", "options", "subscription", "publish", "message", "other"]
    messages: list[Message]
    transactions: list[Transaction]
    from_tag: str
    to_tags: tuple[str, ...]
    caller: Endpoint | None
    """Who sent the first request."""
    callee: Endpoint | None
    exchanges: list[OfferAnswer] = field(default_factory=list)
    begun_before_capture: bool = False
    """Its first message is not a request that begins a dialog (rule CAP-04)."""
    cut_by_end: bool = False
    """The capture ends while a timer of it still ran, or before its BYE."""
    continued_elsewhere: bool = False
    """Later requests of it go past this hop (a proxy that did not record its route): no ACK or BYE is missing here."""
    pbx: str = ""
    """Name of a `pbx` system, recognised from User-Agent, Server or the log's type; empty: not known."""
    pbx_side: Literal["caller", "callee", ""] = ""
    facing: Literal["provider", "inside", "unknown"] = "unknown"
    """Whether this hop is between the customer's side and the provider; only such hops are judged by the profile."""
    facing_why: str = ""
    provider_side: Literal["caller", "callee", ""] = ""
    """Who of the two is the provider: `callee` is termination, `caller` origination."""
    invites: list[Transaction] = field(init=False, repr=False, compare=False)
    """Of the transactions, in order."""

    def __post_init__(self) -> None:
        self.invites = [transaction for transaction in self.transactions if transaction.method == "INVITE"]


CallStatus = Literal[
    "completed", "in_progress", "refused", "busy", "no_answer", "canceled", "failed", "no_response", "unknown"
]


@dataclass(slots=True)
class JoinReason:
    """Why two hops with different Call-IDs are one call."""

    call_ids: tuple[str, str]
    score: float
    """0 to 1; from 0.6 on they are joined."""
    why: tuple[str, ...]


@dataclass(slots=True)
class Call:
    """One call (or registration, subscription …) with all its hops, however many B2BUAs are between."""

    id: str
    """`c1`, `c2` … in the order of their first message: stable for the same input."""
    kind: str
    """As `Dialog.kind` of the first hop."""
    dialogs: list[Dialog]
    """Hops, in the order of their first message."""
    caller: str
    """User part of From of the first hop."""
    called: str
    """User part of the Request-URI of the first hop, else of To."""
    status: CallStatus = "unknown"
    final_status: int | None = None
    final_reason: str = ""
    started: float | None = None
    ringing: float | None = None
    answered: float | None = None
    ended: float | None = None
    ended_by: Literal["caller", "callee", ""] = ""
    joined: list[JoinReason] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    """Indexes into `Media.streams`."""

    @property
    def messages(self) -> list[Message]:
        return sorted((m for dialog in self.dialogs for m in dialog.messages), key=lambda m: m.index)
