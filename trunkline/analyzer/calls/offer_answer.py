"""Offers and answers of one hop (RFC 3264; RFC 3261 section 13.2.1; RFC 3262 section 5; RFC 3311; RFC 6337)."""

from __future__ import annotations

from trunkline.analyzer.model.call import OfferAnswer, Transaction
from trunkline.analyzer.model.message import Message, Sdp


def exchanges(transactions: list[Transaction]) -> list[OfferAnswer]:
    """In the order of their offers. An offer that was refused, or whose answer was not captured, has none."""
    found: list[OfferAnswer] = []
    late: list[OfferAnswer] = []
    for transaction in transactions:
        if transaction.method == "INVITE":
            late += _invite(transaction, found)
        elif transaction.method == "PRACK":
            _prack(transaction, found, late)
        elif transaction.method == "UPDATE":
            _update(transaction, found)
    found.sort(key=lambda exchange: exchange.offer.index)
    return found


def _described(messages: list[Message]) -> list[tuple[Message, Sdp]]:
    return [
        (message, sdp)
        for message in messages
        if message.body and message.retransmission_of is None and (sdp := message.sdp) is not None
    ]


def _invite(transaction: Transaction, found: list[OfferAnswer]) -> list[OfferAnswer]:
    """Adds the exchanges of an INVITE; gives those back in which a response made the offer."""
    described = [(message, sdp) for message, sdp in _described(transaction.responses) if message.status < 300]
    request = transaction.request
    if request is None:
        return []
    offer = request.sdp
    if offer is None:
        return _late_offers(transaction, described, found)
    answered: dict[str, tuple[OfferAnswer, str]] = {}
    for message, sdp in described:
        known = answered.get(message.to_tag)
        if known is None:
            exchange = OfferAnswer(request, offer, message, sdp)
        elif known[1] == sdp.text:
            continue
        else:
            # Early media from one place and the call from another: both were answers to this offer.
            exchange = OfferAnswer(request, offer, message, sdp)
        answered[message.to_tag] = (exchange, sdp.text)
        found.append(exchange)
    if not answered:
        found.append(OfferAnswer(request, offer))
    return []


def _late_offers(
    transaction: Transaction, described: list[tuple[Message, Sdp]], found: list[OfferAnswer]
) -> list[OfferAnswer]:
    """INVITE without SDP: a response makes the offer, ACK or PRACK the answer."""
    offers: dict[str, OfferAnswer] = {}
    for message, sdp in described:
        known = offers.get(message.to_tag)
        if known is None:
            offers[message.to_tag] = OfferAnswer(message, sdp)
        elif known.offer_sdp.text != sdp.text:
            known.offer, known.offer_sdp = message, sdp
    for message, sdp in _described(transaction.ack):
        pending = offers.get(message.to_tag)
        if pending is not None and pending.answer is None:
            pending.answer, pending.answer_sdp = message, sdp
    found += offers.values()
    return list(offers.values())


def _prack(transaction: Transaction, found: list[OfferAnswer], late: list[OfferAnswer]) -> None:
    for message, sdp in _described(transaction.requests):
        pending = next((e for e in late if e.answer is None or e.answer.index > message.index), None)
        if pending is not None and pending.offer.index < message.index:
            pending.answer, pending.answer_sdp = message, sdp
        else:
            found.append(_answered(transaction, message, sdp))


def _update(transaction: Transaction, found: list[OfferAnswer]) -> None:
    found += [_answered(transaction, message, sdp) for message, sdp in _described(transaction.requests)]


def _answered(transaction: Transaction, offer: Message, sdp: Sdp) -> OfferAnswer:
    for message, answer in _described(transaction.responses):
        if 200 <= message.status < 300:
            return OfferAnswer(offer, sdp, message, answer)
    return OfferAnswer(offer, sdp)
