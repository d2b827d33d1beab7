"""RTP streams as the rules ask for them: with the hop of the call that they belong to, and with what the receiver and
the sender had said of themselves in SDP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.analyzer.model.call import Call
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Evidence
from trunkline.analyzer.model.message import Message, SdpMedia
from trunkline.analyzer.model.stream import Stream
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import described, is_fax
from trunkline.analyzer.rules.facts import Facts, Hop, facts_of
from trunkline.analyzer.rules.quote import quote_stream

Described = tuple[Message, SdpMedia]


@dataclass(slots=True, eq=False)
class Flow:
    """One stream."""

    stream: Stream
    index: int
    """In `Media.streams`."""
    hop: Hop | None = None
    receiver: str = ""
    """`caller` or `callee` of the hop; empty: not known."""
    receiver_says: list[Described] = field(default_factory=list)
    """Audio sections of the receiver, in order; empty unless the stream goes to one of them."""
    sender_says: list[Described] = field(default_factory=list)

    @property
    def calls(self) -> list[str]:
        return [self.stream.call] if self.stream.call else []

    @property
    def name(self) -> str:
        """For people: from where to where."""
        return f"{self.stream.src} → {self.stream.dst}"

    def quoted(self, text: str) -> Evidence:
        return quote_stream(self.stream, self.index, text)

    @property
    def is_audio(self) -> bool:
        return self.stream.clock_rate != 90_000


def flows_of(trace: Trace) -> list[Flow]:
    """One for each stream, in the same order. Made at the first question."""
    facts = facts_of(trace)
    if isinstance(facts.flows, list):
        return facts.flows
    by_call = {call.id: call for call in trace.calls}
    hops = _hops_by_call(facts)
    flows = []
    for index, stream in enumerate(trace.media.streams):
        flow = Flow(stream, index)
        call = by_call.get(stream.call or "")
        if call is not None:
            _place(flow, call, hops)
        flows.append(flow)
    facts.flows = flows
    return flows


def _hops_by_call(facts: Facts) -> dict[str, list[tuple[Hop, dict[str, list[Described]]]]]:
    found: dict[str, list[tuple[Hop, dict[str, list[Described]]]]] = {}
    for hop in facts.calls():
        sides: dict[str, list[Described]] = {"caller": [], "callee": []}
        for message, sdp in described(hop):
            sides[hop.sender(message)] += [(message, s) for s in sdp.media if s.kind == "audio"]
        found.setdefault(hop.id, []).append((hop, sides))
    return found


OTHER = {"caller": "callee", "callee": "caller"}


def _place(flow: Flow, call: Call, hops: dict[str, list[tuple[Hop, dict[str, list[Described]]]]]) -> None:
    """By where it goes; else by where it comes from; else by the ICE candidates of both."""
    stream = flow.stream
    for hop, sides in hops.get(call.id, ()):
        for side, says in sides.items():
            if _names(says, stream.dst):
                flow.hop, flow.receiver = hop, side
                flow.receiver_says, flow.sender_says = says, sides[OTHER[side]]
                if _names(sides[OTHER[side]], stream.src):
                    return
    if flow.hop is not None:
        return
    for hop, sides in hops.get(call.id, ()):
        for side, says in sides.items():
            if _names(says, stream.src):
                flow.hop, flow.receiver, flow.sender_says = hop, OTHER[side], says
                return
    for hop, sides in hops.get(call.id, ()):
        for side, says in sides.items():
            if may_use(says, stream.dst) and may_use(sides[OTHER[side]], stream.src):
                flow.hop, flow.receiver = hop, side
                flow.receiver_says, flow.sender_says = says, sides[OTHER[side]]
                return


def _names(says: list[Described], end: Endpoint) -> bool:
    return any(section.port == end.port and section.address == end.ip for _, section in says)


def may_use(says: list[Described], end: Endpoint) -> bool:
    """Whether SDP names this socket, in c= and m= or as an ICE candidate."""
    words = f" {end.ip} {end.port} "
    return _names(says, end) or any(
        attribute.startswith("candidate:") and words in attribute
        for _, section in says
        for attribute in section.attributes
    )


def answer_time(flow: Flow) -> float | None:
    """When the call of this stream was answered, on its hop."""
    if flow.hop is None:
        return None
    for exchange in flow.hop.exchanges:
        final = exchange.final
        if exchange.method == "INVITE" and exchange.initial and final is not None and 200 <= final.status < 300:
            return final.time
    return None


def end_time(flow: Flow) -> float | None:
    """When the call was hung up: its BYE."""
    if flow.hop is None:
        return None
    times = [e.request.time for e in flow.hop.exchanges if e.method == "BYE" and e.request is not None]
    return min((time for time in times if time is not None), default=None)


def always_active(flow: Flow) -> bool:
    """Whether neither side was on hold at any time, both sections were really sendrecv, and the call did not turn into
    a fax (T.38), which takes the place of audio.
    """
    says = [*flow.receiver_says, *flow.sender_says]
    if flow.hop is not None and any(
        is_fax(exchange.offer_sdp) and is_fax(exchange.answer_sdp) for exchange in flow.hop.dialog.exchanges
    ):
        return False
    return all(s.direction == "sendrecv" and s.port and s.address != "0.0.0.0" for _, s in says)
