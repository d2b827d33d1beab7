"""The trace as the rules ask for it: transactions by method and by final status, made once for all rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from trunkline.analyzer.addresses import is_private, is_public
from trunkline.analyzer.calls.sides import side_of
from trunkline.analyzer.model.call import Call, Dialog, Transaction
from trunkline.analyzer.model.message import Message, Sdp
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.credentials import Digest, answers, challenges
from trunkline.analyzer.rules.hints import Hint, hint_of

if TYPE_CHECKING:
    from trunkline.analyzer.rules.dialogs import Answer

NEAR = 100
"""Exchanges of one dialog that `Hop.before` and `Hop.after` give."""


@dataclass(slots=True, eq=False)
class Hop:
    """One dialog, and the call it belongs to."""

    call: Call
    dialog: Dialog
    messages: list[Message]
    """Without those that were captured twice."""
    exchanges: list[Exchange] = field(default_factory=list)
    """In the order of the trace. A scanner's dialog has tens of thousands: a rule that looks at others for each one
    takes `before`, `after`, `realms` or `credentials`."""
    id: str = ""
    """Of the call."""
    answer: Answer | Literal[False] | None = False
    """Kept here by `dialogs.answer_of`; False: not yet looked for."""
    _realms: frozenset[str] | None = None
    _credentials: bool | None = None
    _described: list[tuple[Message, Sdp]] | None = None

    @property
    def realms(self) -> frozenset[str]:
        """Of all challenges in it."""
        if self._realms is None:
            self._realms = frozenset(asked["realm"] for exchange in self.exchanges for asked in exchange.challenges)
        return self._realms

    @property
    def credentials(self) -> bool:
        """Whether any request in it has some."""
        if self._credentials is None:
            self._credentials = any(exchange.credentials for exchange in self.exchanges)
        return self._credentials

    @property
    def described(self) -> list[tuple[Message, Sdp]]:
        """Messages with a description, without what was sent again."""
        if self._described is None:
            self._described = [
                (message, sdp)
                for message in self.messages
                if message.retransmission_of is None and message.body and (sdp := message.sdp) is not None
            ]
        return self._described

    def before(self, exchange: Exchange) -> Iterator[Exchange]:
        """Those before it, the nearest first, no more than anybody could mean."""
        return reversed(self.exchanges[max(0, exchange.place - NEAR) : exchange.place])

    def after(self, exchange: Exchange) -> list[Exchange]:
        """Those behind it, the nearest first, no more than anybody could mean."""
        return self.exchanges[exchange.place + 1 : exchange.place + 1 + NEAR]

    @property
    def termination(self) -> bool:
        """From the customer's side to the provider."""
        return self.dialog.facing == "provider" and self.dialog.provider_side == "callee"

    @property
    def origination(self) -> bool:
        """From the provider to the customer's side."""
        return self.dialog.facing == "provider" and self.dialog.provider_side == "caller"

    def sender(self, message: Message) -> str:
        """`caller` or `callee`."""
        return side_of(self.dialog, message)

    def by_provider(self, message: Message) -> bool:
        """Whether the provider sent it."""
        return self.dialog.facing == "provider" and self.sender(message) == self.dialog.provider_side


@dataclass(slots=True, eq=False)
class Exchange:
    """One transaction in its hop."""

    hop: Hop
    transaction: Transaction
    request: Message | None
    final: Message | None
    initial: bool
    """Begins a dialog, or stands alone: To has no tag."""
    id: str
    """Of the call."""
    method: str
    place: int = 0
    """Index in `hop.exchanges`."""
    _credentials: bool | None = None
    _challenges: list[Digest] | None = None
    _answers: list[Digest] | None = None

    @property
    def credentials(self) -> bool:
        if self._credentials is None:
            request = self.request
            self._credentials = request is not None and (
                request.has("Authorization") or request.has("Proxy-Authorization")
            )
        return self._credentials

    @property
    def challenges(self) -> list[Digest]:
        """Digest challenges of its final response."""
        if self._challenges is None:
            self._challenges = challenges(self.final)
        return self._challenges

    @property
    def answers(self) -> list[Digest]:
        """Digest answers of its request."""
        if self._answers is None:
            self._answers = answers(self.request) if self.credentials else []
        return self._answers

    @property
    def delay(self) -> float | None:
        """Seconds from the (first) request to the final response."""
        if self.request is None or self.final is None or self.request.time is None or self.final.time is None:
            return None
        return self.final.time - self.request.time

    @property
    def rang(self) -> bool:
        return any(180 <= message.status <= 183 for message in self.transaction.responses)


@dataclass(slots=True)
class Facts:
    """What `facts_of` makes of a trace."""

    hops: list[Hop] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    by_method: dict[str, list[Exchange]] = field(default_factory=lambda: defaultdict(list))
    by_status: dict[int, list[Exchange]] = field(default_factory=lambda: defaultdict(list))
    """By final status; the class (400, 500 …) is not a key for all of its codes."""
    hints: dict[int, Hint] = field(default_factory=dict)
    """What the provider itself said, by index of the message."""
    flows: object = None
    """Kept here by `flows.flows_of`."""
    words: set[str] = field(default_factory=set)
    """What the trace has, for the table of rules: methods, final statuses, `call`, `answered`, `media`, `icmp` …"""
    _call_ids: dict[int, str] | None = None

    def finals(self, *statuses: int) -> Iterator[Exchange]:
        """Exchanges that ended with one of these, in the order of the trace within each status."""
        for status in statuses:
            yield from self.by_status.get(status, ())

    def calls(self) -> Iterator[Hop]:
        return (hop for hop in self.hops if hop.dialog.kind == "call")

    def calls_of(self, message: Message) -> list[str]:
        """The id of the call that a message belongs to; empty: it belongs to none."""
        if self._call_ids is None:
            self._call_ids = {one.index: hop.id for hop in self.hops for one in hop.messages}
        found = self._call_ids.get(message.index)
        return [] if found is None else [found]


HEADER_WORDS = ("Record-Route", "RSeq", "Session-Expires", "Identity", "Authorization", "Proxy-Authorization")
"""Headers that some rule lives on: their names are words of the table."""
LARGE = 1200
"""Bytes of a datagram from which on the rule for large ones is loaded; the profile has the exact limit."""


def facts_of(trace: Trace) -> Facts:
    """Made at the first question, kept with the trace."""
    if isinstance(trace.facts, Facts):
        return trace.facts
    facts = Facts()
    for call in trace.calls:
        for dialog in call.dialogs:
            _add_hop(trace, facts, call, dialog)
    _add_words(trace, facts)
    trace.facts = facts
    return facts


def _add_hop(trace: Trace, facts: Facts, call: Call, dialog: Dialog) -> None:
    hop = Hop(call, dialog, [message for message in dialog.messages if message.duplicate_of is None], id=call.id)
    facts.hops.append(hop)
    facts.words.add(dialog.kind)
    for transaction in dialog.transactions:
        request = transaction.request
        initial = request is not None and not request.to_tag
        exchange = Exchange(
            hop, transaction, request, transaction.final, initial, call.id, transaction.method, len(hop.exchanges)
        )
        hop.exchanges.append(exchange)
        facts.exchanges.append(exchange)
        facts.by_method[transaction.method].append(exchange)
        if exchange.final is not None:
            facts.by_status[exchange.final.status].append(exchange)
            hint = hint_of(trace.profile, exchange.final)
            if hint is not None:
                facts.hints[exchange.final.index] = hint


def _add_words(trace: Trace, facts: Facts) -> None:
    words = facts.words
    words.update(facts.by_method)
    words.update(str(status) for status in facts.by_status)
    if any(200 <= status < 300 for status in facts.by_status) and "INVITE" in words:
        words.add("answered")
    if any(status >= 300 for status in facts.by_status):
        words.add("refused")
    capture = trace.capture
    named = (
        ("message", trace.messages),
        ("media", trace.media.streams or trace.media.captured),
        ("icmp", capture.icmp),
        ("tls", capture.tls),
        ("tcp", capture.tcp),
        ("dns", capture.dns),
        ("not_sip", capture.not_sip),
        ("fragments", capture.lost_fragments),
        ("cut_frames", any(source.snaplen_cut for source in capture.files)),
        ("clock", any(source.clock_backsteps for source in capture.files) or trace.media.capture_gaps),
        ("one_sided", trace.one_sided or trace.inside_nat),
        ("twice", any(stream.captured_twice for stream in trace.media.streams)),
        ("passwords", trace.options.passwords),
    )
    words.update(word for word, there in named if there)
    _add_words_of_hops(facts)
    _add_words_of_messages(trace, words)


def _add_words_of_hops(facts: Facts) -> None:
    words = facts.words
    for hop in facts.hops:
        dialog = hop.dialog
        if dialog.facing == "provider":
            words.add("termination" if dialog.provider_side == "callee" else "origination")
        if dialog.begun_before_capture or dialog.cut_by_end:
            words.add("cut_dialog")
    for exchange in facts.exchanges:
        transaction = exchange.transaction
        if len(transaction.requests) > 1:
            words.add("repeated")
        if not transaction.responses:
            words.add("unanswered")
        if exchange.method in ("INVITE", "UPDATE") and exchange.request is not None and exchange.request.to_tag:
            words.add("reinvite")


def _add_words_of_messages(trace: Trace, words: set[str]) -> None:
    for message in trace.messages:
        if message.problems:
            words.add("problem")
        if message.duplicate_of is not None:
            words.add("twice")
        if message.is_request and len(message.vias) > 1:
            words.add("proxied")
        if message.time is None or message.src is None:
            words.add("bare")
        if message.raw.transport == "tcp":
            words.add("tcp_message")
        if (message.raw.wire_length or 0) > LARGE or message.raw.ip_fragments > 1:
            words.add("large")
    shapes = {message.head.shape for message in trace.messages}
    words.update(name for shape in shapes for name in HEADER_WORDS if name in shape.where)


def waited(trace: Trace, since: float | None, seconds: float) -> bool:
    """Whether the trace goes on for so long after that time: what came later would have been seen."""
    return since is not None and trace.end is not None and trace.end - since >= seconds


def to_public_peer(message: Message) -> bool:
    """Sent to an address of the Internet. False where addresses are not known."""
    return message.dst is not None and is_public(message.dst.ip)


def same_network(message: Message) -> bool:
    """Both ends are private: a LAN, a lab, or both sides of a tunnel. NAT between them is not to be expected."""
    return (
        message.src is not None
        and message.dst is not None
        and is_private(message.src.ip)
        and is_private(message.dst.ip)
    )
