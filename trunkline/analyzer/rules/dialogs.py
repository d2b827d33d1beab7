"""An answered call as the rules look at it: its 2xx, ACK and BYE on one hop."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.analyzer.model.message import Message
from trunkline.analyzer.rules.facts import Exchange, Hop


@dataclass(frozen=True, slots=True)
class Answer:
    """The first INVITE of a hop that got a 2xx."""

    exchange: Exchange
    invite: Message
    ok: Message

    @property
    def oks(self) -> list[Message]:
        """The 2xx and its repetitions, for the same To tag."""
        tag = self.ok.to_tag
        return [
            message
            for message in self.exchange.transaction.responses
            if 200 <= message.status < 300 and message.to_tag == tag and message.duplicate_of is None
        ]

    @property
    def acks(self) -> list[Message]:
        """ACKs of this 2xx: the same CSeq number."""
        return [
            message
            for message in self.exchange.hop.messages
            if message.is_request
            and message.method == "ACK"
            and message.cseq == self.ok.cseq
            and message.index > self.ok.index
        ]


def answer_of(hop: Hop) -> Answer | None:
    """The answer of the call on this hop; None: not answered, or its INVITE is not in the trace."""
    if hop.answer is False:
        hop.answer = _answer_of(hop)
    return hop.answer or None


def _answer_of(hop: Hop) -> Answer | None:
    for exchange in hop.exchanges:
        request, final = exchange.request, exchange.final
        if (
            exchange.method == "INVITE"
            and exchange.initial
            and request is not None
            and final is not None
            and final.status < 300
        ):
            return Answer(exchange, request, final)
    return None


def bye_of(hop: Hop) -> Exchange | None:
    """The first BYE."""
    for exchange in hop.exchanges:
        if exchange.method == "BYE" and exchange.request is not None:
            return exchange
    return None


def talk(hop: Hop, answer: Answer) -> float | None:
    """Seconds from the 2xx to the BYE."""
    bye = bye_of(hop)
    if bye is None or bye.request is None or bye.request.time is None or answer.ok.time is None:
        return None
    return bye.request.time - answer.ok.time


def in_dialog(exchange: Exchange) -> bool:
    """Whether the request belongs to a dialog that exists: To has a tag."""
    return exchange.request is not None and bool(exchange.request.to_tag)
