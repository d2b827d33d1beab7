"""Messages to dialogs: one for each Call-ID and hop, with its transactions and SDP exchanges."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from trunkline.analyzer.calls.hops import hops
from trunkline.analyzer.calls.offer_answer import exchanges
from trunkline.analyzer.calls.transactions import transactions
from trunkline.analyzer.model.call import Dialog, Transaction
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.message import Message

Kind = Literal["call", "registration", "options", "subscription", "publish", "message", "other"]

_KINDS: dict[str, Kind] = {
    "INVITE": "call",
    "REGISTER": "registration",
    "SUBSCRIBE": "subscription",
    "NOTIFY": "subscription",
    "REFER": "subscription",
    "PUBLISH": "publish",
    "OPTIONS": "options",
    "MESSAGE": "message",
}
_OF_A_CALL = ("ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO")
_PRECEDENCE = ("INVITE", "REGISTER", "SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY", "MESSAGE", "OPTIONS")
_TIMER_B = 32.0
"""64*T1 (RFC 3261 section 17.1.1.2)."""
_TIMER_C = 180.0
_MOST_HOPS = 32
"""Of one call; more is a flood."""


def dialogs(messages: list[Message], end: float | None) -> list[Dialog]:
    """In the order of their first message. Duplicates of the capture are left out: nobody counts them again."""
    by_call_id: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        if message.duplicate_of is None and (message.call_id or message.cseq_method):
            by_call_id[message.call_id].append(message)
    found: list[Dialog] = []
    for call_id, of_call_id in by_call_id.items():
        of_one = [_dialog(call_id, hop, end) for hop in hops(of_call_id)]
        if 1 < len(of_one) <= _MOST_HOPS:
            _past_the_proxy(of_one)
        found += of_one
    found.sort(key=lambda dialog: dialog.messages[0].index)
    return found


def _dialog(call_id: str, messages: list[Message], end: float | None) -> Dialog:
    of_hop = transactions(messages)
    kind = _kind(messages)
    opening = _opening(messages)
    caller, callee = _sides(opening)
    from_tag = opening.from_tag
    dialog = Dialog(
        call_id=call_id,
        kind=kind,
        messages=messages,
        transactions=of_hop,
        from_tag=from_tag,
        to_tags=_to_tags(messages, from_tag),
        caller=caller,
        callee=callee,
        begun_before_capture=_begun_before(messages[0], kind),
    )
    if kind == "call":
        dialog.exchanges = exchanges(of_hop)
    dialog.cut_by_end = _cut_by_end(dialog, end)
    return dialog


def _past_the_proxy(dialogs: list[Dialog]) -> None:
    """Hops of one Call-ID. A proxy that did not record its route sees the INVITE, and neither ACK nor BYE: these go
    from end to end, on a hop that has nothing else.
    """
    begun = [dialog for dialog in dialogs if dialog.invites and not dialog.begun_before_capture]
    for direct in dialogs:
        if direct.invites or not direct.begun_before_capture or not begun:
            continue
        tags = {direct.from_tag, *direct.to_tags} - {""}
        same = [dialog for dialog in begun if tags <= {dialog.from_tag, *dialog.to_tags}]
        if not same:
            continue
        direct.begun_before_capture = False
        acks = [message for t in direct.transactions if t.method == "ACK" for message in t.requests]
        for dialog in same:
            dialog.continued_elsewhere, dialog.cut_by_end = True, False
            for invite in dialog.invites:
                if invite.final is not None and invite.final.status < 300 and not invite.ack:
                    invite.ack = [ack for ack in acks if ack.cseq == invite.final.cseq]


def _kind(messages: list[Message]) -> Kind:
    methods = {message.cseq_method or message.method for message in messages}
    for method in _PRECEDENCE:
        if method in methods:
            return _KINDS[method]
    return "call" if methods & set(_OF_A_CALL) else "other"


def _opening(messages: list[Message]) -> Message:
    """The request that begins the dialog, else the message that says most about who is who."""
    for message in messages:
        if message.is_request and not message.to_tag and message.method not in ("ACK", "CANCEL"):
            return message
    return next((m for m in messages if m.cseq_method == "INVITE" and not m.is_request), messages[0])


def _sides(opening: Message) -> tuple[Endpoint | None, Endpoint | None]:
    if opening.is_request:
        return opening.src, opening.dst
    return opening.dst, opening.src


def _to_tags(messages: list[Message], from_tag: str) -> tuple[str, ...]:
    """Tags of the other side, in the order in which they came. Of 100 and of challenges too, where they have one."""
    tags: dict[str, None] = {}
    for message in messages:
        tag = message.from_tag if message.to_tag == from_tag else message.to_tag
        if tag and tag != from_tag:
            tags[tag] = None
    return tuple(tags)


def _begun_before(first: Message, kind: Kind) -> bool:
    if not first.is_request:
        return True
    return first.method in ("ACK", "CANCEL", "BYE", "PRACK") or (kind == "call" and bool(first.to_tag))


def _cut_by_end(dialog: Dialog, end: float | None) -> bool:
    last = dialog.messages[-1].time
    for transaction in dialog.transactions:
        if transaction.method == "BYE":
            return _waits(transaction, end)
    if end is None or last is None:
        # Without times nobody can tell whether a timer had run out.
        return any(_open(transaction) for transaction in dialog.transactions)
    if any(_waits(transaction, end) for transaction in dialog.transactions):
        return True
    return any(transaction.final is not None and transaction.final.status < 300 for transaction in dialog.invites)


def _open(transaction: Transaction) -> bool:
    return transaction.final is None and transaction.method != "ACK"


def _waits(transaction: Transaction, end: float | None) -> bool:
    """No final response yet, and its client still waited when the capture ended."""
    if transaction.method == "ACK" or transaction.final is not None:
        return False
    times = [m.time for m in (*transaction.requests, *transaction.responses) if m.time is not None]
    if end is None or not times:
        return True
    rings = transaction.method == "INVITE" and bool(transaction.responses)
    return end - times[0] < _TIMER_B if not rings else end - times[-1] < _TIMER_C
