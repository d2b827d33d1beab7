"""The ng control protocol of rtpengine over UDP: coding (pure) and a client that keeps many requests in flight.

A datagram is `<cookie> <dictionary>`. rtpengine answers with the same cookie, and in the coding of the request:
bencode, or JSON (which Python decodes in C; every rtpengine since 4.x accepts it on the ng port). It remembers its
answers by cookie for at least 30 s, so a request that is sent again with its cookie is answered again and not
executed again. Two things rest on that: retransmission after a lost datagram, and a recorder that died between a
`delete` and its own commit gets the same figures when it asks again after its restart (`delete_request` makes the
cookie from the call's SID).
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

Reply = dict[str, Any]
"""A decoded answer: `result` is `ok`, `pong` or `error` (then `error-reason` says why)."""

MAX_DATAGRAM = 65535
IN_FLIGHT = 24
"""Requests sent and not yet answered. An answer to `delete` is 3 to 6 kB, and Linux's default receive buffer (208 kB,
counted with overhead) holds about 30 of those."""
DELETE_AFTER = 1
"""Seconds that a call lives on after `delete_request`. With 0, rtpengine 12.5 forgets the tags before it writes its
answer, which then has no figures."""


class NgError(ValueError):
    """What arrived is not the ng protocol."""


class RtpengineUnreachable(Exception):
    """rtpengine does not answer on its ng port; the text names the port."""


# --- bencode ------------------------------------------------------------------------------------------------


def encode_bencode(value: object) -> bytes:
    """`str` (UTF-8; surrogate escapes give their bytes back), `bytes`, `int`, list and dictionary to bencode."""
    match value:
        case bool():
            return b"i%de" % int(value)
        case int():
            return b"i%de" % value
        case str():
            raw = value.encode("utf-8", "surrogateescape")
            return b"%d:%b" % (len(raw), raw)
        case bytes():
            return b"%d:%b" % (len(value), value)
        case Mapping():
            return b"d%be" % b"".join(encode_bencode(k) + encode_bencode(v) for k, v in value.items())
        case Iterable():
            return b"l%be" % b"".join(map(encode_bencode, value))
    raise NgError(f"bencode has no form for {type(value).__name__}")


def decode_bencode(data: bytes) -> Any:
    """The one value in `data`. Strings are decoded as UTF-8, other bytes as surrogate escapes. Raises NgError."""
    try:
        value, end = _decode_at(data, 0)
    except (ValueError, IndexError, RecursionError) as error:
        raise NgError(f"not bencode: {data[:60]!r}") from error
    if end != len(data):
        raise NgError(f"bytes after the bencoded value: {data[end : end + 60]!r}")
    return value


def _decode_at(data: bytes, at: int) -> tuple[Any, int]:
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind == b"l":
        items, at = _decode_until_end(data, at + 1)
        return items, at
    if kind == b"d":
        items, at = _decode_until_end(data, at + 1)
        return dict(zip(items[::2], items[1::2], strict=True)), at
    colon = data.index(b":", at)
    length = int(data[at:colon])
    end = colon + 1 + length
    if length < 0 or end > len(data):
        raise ValueError("string is cut short")
    return data[colon + 1 : end].decode("utf-8", "surrogateescape"), end


def _decode_until_end(data: bytes, at: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while data[at] != 0x65:  # "e"
        item, at = _decode_at(data, at)
        items.append(item)
    return items, at + 1


# --- requests and answers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    cookie: str
    """Unique while rtpengine remembers it; no blanks."""
    body: Mapping[str, object]
    """`command` and its fields, by the names of the ng protocol."""


def media_id(call_sid: str) -> str:
    """What the edge calls the call towards rtpengine (`call-id`): two INVITEs with one Call-ID are two calls."""
    return call_sid[2:]


def delete_request(call_sid: str, call_id: str, from_tag: str) -> Request:
    """End the media of a call and get its figures; its ports are free within 2 s (`DELETE_AFTER`, and rtpengine's own
    clock of 1 s).

    rtpengine 10.5 puts figures into the answer only if a tag is given: with the caller's, they come for both sides
    and the whole call goes.
    """
    fields = {"command": "delete", "call-id": call_id, "from-tag": from_tag, "delete-delay": DELETE_AFTER}
    return Request(f"{call_sid}-delete", fields)


def query_request(call_sid: str, call_id: str) -> Request:
    """The figures of all sides of a call, whose tags need not be known. The call stays."""
    return Request(f"{call_sid}-query-{_fresh()}", {"command": "query", "call-id": call_id})


def forget_request(call_sid: str, call_id: str) -> Request:
    """End the media of a call at once, whatever its tags. `query_request` comes before: not every rtpengine answers
    with figures here."""
    return Request(f"{call_sid}-forget", {"command": "delete", "call-id": call_id, "delete-delay": 0})


def encode_request(request: Request) -> bytes:
    """JSON; bencode where a value is not ASCII, because JSON cannot carry bytes that are not UTF-8."""
    body = request.body
    plain = all(value.isascii() for value in body.values() if isinstance(value, str))
    coded = json.dumps(dict(body)).encode("ascii") if plain else encode_bencode(body)
    return request.cookie.encode("ascii") + b" " + coded


def decode_reply(datagram: bytes) -> tuple[str, Reply]:
    """Cookie and dictionary of an answer, JSON or bencode. Raises NgError."""
    cookie, blank, coded = datagram.partition(b" ")
    if not blank or not coded:
        raise NgError(f"no cookie in the answer: {datagram[:60]!r}")
    if coded[:1] == b"{":
        try:
            reply = json.loads(coded.decode("utf-8", "replace"))
        except ValueError as error:
            raise NgError(f"answer is not JSON: {coded[:60]!r}") from error
    else:
        reply = decode_bencode(coded)
    if not isinstance(reply, dict):
        raise NgError(f"answer is not a dictionary: {coded[:60]!r}")
    return cookie.decode("ascii", "replace"), reply


def _fresh() -> str:
    return os.urandom(8).hex()


# --- client -------------------------------------------------------------------------------------------------


class NgClient:
    """One UDP socket to the ng port of one rtpengine. Not for several threads at once."""

    def __init__(
        self, port: int, host: str = "127.0.0.1", *, retry_after: float = 0.3, give_up_after: float = 1.5
    ) -> None:
        """`retry_after`: seconds until an unanswered request is sent again; `give_up_after`: until it is given up."""
        self._address = (host, port)
        self._retry_after = retry_after
        self._give_up_after = give_up_after
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setblocking(False)
        self._socket.connect(self._address)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, requests: Iterable[Request]) -> dict[str, Reply]:
        """Answers by cookie, in any order; a request without an answer in time is missing from them.

        A closed port (rtpengine is not running) ends the whole round at once: what it knew of the calls is gone with
        it.
        """
        waiting = deque(requests)
        sent: dict[str, tuple[Request, float, float]] = {}
        """cookie → request, time of the next retransmission, time to give up (monotonic seconds)."""
        replies: dict[str, Reply] = {}
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # forgets a refusal of the last round
        try:
            while waiting or sent:
                now = time.monotonic()
                while waiting and len(sent) < IN_FLIGHT:
                    request = waiting.popleft()
                    self._send(request)
                    sent[request.cookie] = (request, now + self._retry_after, now + self._give_up_after)
                self._receive(sent, replies)
                if sent and not self._poll.poll(self._retry_after * 1000):
                    self._retransmit(sent)
        except ConnectionRefusedError:
            pass
        return replies

    def _send(self, request: Request) -> None:
        try:
            self._socket.send(encode_request(request))
        except BlockingIOError:
            pass  # the send buffer is full: as good as lost on the way, it is sent again

    def _receive(self, sent: dict[str, tuple[Request, float, float]], replies: dict[str, Reply]) -> None:
        while True:
            try:
                datagram = self._socket.recv(MAX_DATAGRAM)
            except BlockingIOError:
                return
            try:
                cookie, reply = decode_reply(datagram)
            except NgError:
                continue
            if sent.pop(cookie, None) is not None:  # else: a second answer, or one that came too late
                replies[cookie] = reply

    def _retransmit(self, sent: dict[str, tuple[Request, float, float]]) -> None:
        now = time.monotonic()
        for cookie, (request, send_again, give_up) in list(sent.items()):
            if now >= give_up:
                del sent[cookie]
            elif now >= send_again:
                self._send(request)
                sent[cookie] = (request, now + self._retry_after, give_up)

    def _ask_one(self, body: Mapping[str, object]) -> Reply:
        request = Request(_fresh(), body)
        reply = self.ask([request]).get(request.cookie)
        if reply is None:
            raise RtpengineUnreachable(f"rtpengine does not answer on UDP {self._address[0]}:{self._address[1]}")
        return reply

    def ping(self) -> bool:
        """Whether rtpengine answers."""
        try:
            return self._ask_one({"command": "ping"}).get("result") == "pong"
        except RtpengineUnreachable:
            return False

    def query(self, call_id: str) -> Reply | None:
        """All that rtpengine knows of a call; None: it does not know it. Raises RtpengineUnreachable."""
        reply = self._ask_one({"command": "query", "call-id": call_id})
        return reply if reply.get("result") == "ok" else None

    def delete(self, call_id: str, from_tag: str) -> Reply | None:
        """End the media of one call; its figures, None if it is not known. Raises RtpengineUnreachable."""
        reply = self._ask_one(delete_request("", call_id, from_tag).body)
        return reply if "tags" in reply else None

    def calls(self, limit: int = 1000) -> list[str]:
        """Call-IDs of up to `limit` calls that rtpengine holds. Raises RtpengineUnreachable."""
        return [str(call_id) for call_id in self._ask_one({"command": "list", "limit": limit}).get("calls", [])]
