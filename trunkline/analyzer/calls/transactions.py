"""Messages of one hop to transactions (RFC 3261 section 17), and which of them repeat an earlier one.

The key is the top Via (branch and sent-by) with CSeq. Where the branch is of RFC 2543's time, or a server has changed
the Via in its answer, CSeq and From tag decide: within one Call-ID they name a request well enough.
"""

from __future__ import annotations

from trunkline.analyzer.model.call import Transaction
from trunkline.analyzer.model.message import Message

_Key = tuple[str, str, int, int | None, str]
_Loose = tuple[int, str, str]


def transactions(messages: list[Message]) -> list[Transaction]:
    """In the order of their first message; messages without duplicates of the capture. Sets `retransmission_of`."""
    builder = _Builder()
    for message in messages:
        builder.take(message)
    for transaction in builder.found:
        _mark_repeats(transaction)
    return builder.found


class _Builder:
    def __init__(self) -> None:
        self.found: list[Transaction] = []
        self._by_key: dict[_Key, Transaction] = {}
        self._by_cseq: dict[_Loose, Transaction] = {}

    def take(self, message: Message) -> None:
        if message.status:
            self._response(message)
        elif message.method == "ACK":
            self._ack(message)
        else:
            self._request(message)

    def _request(self, message: Message) -> None:
        method = message.method
        key = _key(message, method)
        loose = (message.cseq, method, message.from_tag)
        known = self._by_key.get(key) if key is not None else self._repeated(message, loose)
        if known is None:
            known = self._open(message, method)
            if key is not None:
                self._by_key[key] = known
            self._by_cseq[loose] = known
        elif known.request is None:
            # Its answer was captured ahead of it: two capture points, or a capture out of order.
            known.request = message
        known.requests.append(message)
        if method == "CANCEL":
            invite = self._invite_of(message)
            if invite is not None and invite.cancel is None:
                invite.cancel = message

    def _repeated(self, message: Message, loose: _Loose) -> Transaction | None:
        """RFC 2543: the same CSeq again is the same request again, unless its Request-URI changed (a redirection)."""
        known = self._by_cseq.get(loose)
        if known is not None and known.request is not None and known.request.ruri != message.ruri:
            return None
        return known

    def _response(self, message: Message) -> None:
        method = message.cseq_method
        key = _key(message, method)
        known = self._by_key.get(key) if key is not None else None
        if known is None:
            known = self._by_cseq.get((message.cseq, method, message.from_tag))
            if known is not None and not _branch_agrees(known, message):
                known = None
        if known is None:
            known = self._open(message, method)
            if key is not None:
                self._by_key[key] = known
            self._by_cseq.setdefault((message.cseq, method, message.from_tag), known)
        known.responses.append(message)

    def _ack(self, message: Message) -> None:
        invite = self._invite_of(message)
        if invite is None:
            loose = (message.cseq, "ACK", message.from_tag)
            known = self._by_cseq.get(loose)
            if known is None:
                known = self._by_cseq[loose] = self._open(message, "ACK")
            known.requests.append(message)
        else:
            invite.ack.append(message)

    def _invite_of(self, message: Message) -> Transaction | None:
        """The INVITE that an ACK or CANCEL belongs to: by branch, else (ACK of a 2xx) by CSeq and From tag."""
        key = _key(message, "INVITE")
        found = self._by_key.get(key) if key is not None else None
        return found or self._by_cseq.get((message.cseq, "INVITE", message.from_tag))

    def _open(self, message: Message, method: str) -> Transaction:
        if message.status:
            opened = Transaction(None, method, client=message.dst, server=message.src)
        else:
            opened = Transaction(message, method, client=message.src, server=message.dst)
        self.found.append(opened)
        return opened


def _key(message: Message, method: str) -> _Key | None:
    if not message.vias:
        return None
    via = message.vias[0]
    branch = via.params.get("branch")
    if not branch or branch[:7] != "z9hG4bK" or len(branch) < 8:
        return None
    return branch, via.host.lower(), message.cseq, via.port, method


def _branch_agrees(transaction: Transaction, response: Message) -> bool:
    """Whether a response that no key finds may belong to it: a server may drop a branch, not invent one. It may also
    drop a Via that it cannot read, so that the branch of the one below comes up.
    """
    request = transaction.request
    if request is None or not request.vias or not response.vias:
        return True
    answered = response.vias[0].branch
    return not request.vias[0].branch or not answered or any(via.branch == answered for via in request.vias)


def _mark_repeats(transaction: Transaction) -> None:
    requests = transaction.requests
    for message in requests[1:]:
        message.retransmission_of = requests[0].index
    acks: dict[tuple[str, str], Message] = {}
    for message in transaction.ack if len(transaction.ack) > 1 else ():
        # Forked 2xx have an ACK each, told apart by the To tag.
        first = acks.setdefault((message.to_tag, message.ruri), message)
        if first is not message:
            message.retransmission_of = first.index
    seen: dict[tuple[int, str, bytes], Message] = {}
    for message in transaction.responses if len(transaction.responses) > 1 else ():
        # A provisional response may come again with news (another RSeq or SDP); a final one cannot.
        news = message.raw.data if message.status < 200 else b""
        first = seen.setdefault((message.status, message.to_tag, news), message)
        if first is not message:
            message.retransmission_of = first.index
