from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_rtpengine import Endpoint, RealRtpengine, free_port

from trunkline.engines.rtpengine.ng import (
    IN_FLIGHT,
    NgClient,
    NgError,
    Request,
    RtpengineUnreachable,
    decode_bencode,
    decode_reply,
    delete_request,
    encode_bencode,
    encode_request,
    forget_request,
    query_request,
)

WORDS = st.text(max_size=8)
VALUES = st.recursive(
    WORDS | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)


@given(VALUES)
def test_bencode_comes_back(value: object) -> None:
    assert decode_bencode(encode_bencode(value)) == value


def test_bencode_by_the_letter() -> None:
    coded = encode_bencode({"command": "ping", "n": -3, "l": ["é", b"\xff"]})
    assert coded == b"d7:command4:ping1:ni-3e1:ll2:\xc3\xa91:\xffee"


BAD_BENCODE = [b"", b"i5", b"ie", b"5:abc", b"-1:", b"d1:a", b"l", b"d1:ai1e1:be", b"i1ei2e", b"x", b"l" * 5000]


@pytest.mark.parametrize("data", BAD_BENCODE, ids=lambda data: repr(data[:12]))
def test_bad_bencode(data: bytes) -> None:
    with pytest.raises(NgError):
        decode_bencode(data)


def test_reply_in_either_coding() -> None:
    assert decode_reply(b'c {"result":"ok"}') == ("c", {"result": "ok"})
    assert decode_reply(b"c d6:result2:oke") == ("c", {"result": "ok"})


@pytest.mark.parametrize("datagram", [b"", b"cookie", b"cookie ", b"c {", b"c []", b"c i1e", b"c \xff"])
def test_bad_reply(datagram: bytes) -> None:
    with pytest.raises(NgError):
        decode_reply(datagram)


def test_request_is_json_where_it_can_be() -> None:
    assert encode_request(Request("c", {"command": "ping"})) == b'c {"command": "ping"}'
    assert encode_request(Request("c", {"call-id": "\udcff"})) == b"c d7:call-id1:\xffe"


@pytest.fixture(scope="module")
def rtpengine() -> Iterator[RealRtpengine]:
    with RealRtpengine() as running:
        yield running


@pytest.mark.live
def test_against_the_real_one(rtpengine: RealRtpengine) -> None:
    client, (caller, callee) = rtpengine.client, (Endpoint(1), Endpoint(2))
    assert client.ping()
    assert (client.query("c1"), client.delete("c1", "from")) == (None, None)
    rtpengine.connect("c1", caller, callee)
    assert client.calls() == ["c1"]
    found = client.query("c1")
    assert found is not None
    assert list(found["tags"]) == ["from", "to"]
    deleted = client.delete("c1", "from")
    assert deleted is not None
    assert list(deleted["tags"]) == ["from", "to"]
    rtpengine.wait_until_gone()


@pytest.mark.live
def test_delete_sent_again_gets_the_same_figures(rtpengine: RealRtpengine) -> None:
    """A recorder that died before its commit asks again, from another socket."""
    rtpengine.connect("c2", Endpoint(1), Endpoint(2))
    request = delete_request("CA2", "c2", "from")
    first = rtpengine.client.ask([request])
    rtpengine.wait_until_gone()
    with NgClient(rtpengine.ng_port) as another:
        assert another.ask([request]) == first
    assert first[request.cookie]["tags"]


@pytest.mark.live
def test_call_whose_tags_are_not_known(rtpengine: RealRtpengine) -> None:
    rtpengine.connect("c3", Endpoint(1), Endpoint(2))
    query, forget = query_request("CA3", "c3"), forget_request("CA3", "c3")
    assert rtpengine.client.ask([query])[query.cookie]["tags"]
    assert rtpengine.client.ask([forget])[forget.cookie]["result"] == "ok"
    assert rtpengine.client.calls() == []


@pytest.mark.live
def test_delete_takes_the_whole_call_after_failover(rtpengine: RealRtpengine) -> None:
    """Several offers of one caller, each to another callee, and one answer: nothing of it may stay."""
    common: dict[str, object] = {"call_id": "c4", "from_tag": "from"}
    caller, callee = Endpoint(1), Endpoint(2)
    for branch in ("z9hG4bK0", "z9hG4bK1"):
        rtpengine.ask("offer", sdp=caller.sdp(), via_branch=branch, **common)
    rtpengine.ask("answer", sdp=callee.sdp(), to_tag="to", via_branch="z9hG4bK1", **common)
    assert rtpengine.client.delete("c4", "from") is not None
    rtpengine.wait_until_gone()


@pytest.mark.live
def test_many_at_once(rtpengine: RealRtpengine) -> None:
    started = time.monotonic()
    requests = [query_request(f"CA{number}", f"unknown-{number}") for number in range(2000)]
    replies = rtpengine.client.ask(requests)
    assert set(replies) == {request.cookie for request in requests}
    rate = 2000 / (time.monotonic() - started)
    print(f"\n{rate:.0f} requests/s, {IN_FLIGHT} in flight")  # noqa: T201  a measurement


@pytest.mark.live
def test_call_id_that_is_not_utf_8(rtpengine: RealRtpengine) -> None:
    rtpengine.connect("\udcff\udcfe", Endpoint(1), Endpoint(2))
    deleted = rtpengine.client.ask([delete_request("CA5", "\udcff\udcfe", "from")])
    assert deleted["CA5-delete"]["tags"]


# --- what the network does


class Doorman:
    """A UDP server that answers as it is told."""

    def __init__(self, answer: Callable[[bytes, int], list[bytes]]) -> None:
        """`answer`: datagram and its number → datagrams to send back."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.02)
        self.port: int = self._socket.getsockname()[1]
        self.got: list[bytes] = []
        self._answer = answer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                datagram, sender = self._socket.recvfrom(65535)
            except TimeoutError:
                continue
            self.got.append(datagram)
            for answer in self._answer(datagram, len(self.got)):
                self._socket.sendto(answer, sender)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()


def _pong(datagram: bytes) -> bytes:
    return datagram.partition(b" ")[0] + b' {"result":"pong"}'


def test_lost_datagram_is_sent_again_with_its_cookie() -> None:
    answer: Callable[[bytes, int], list[bytes]] = lambda data, number: [] if number == 1 else [_pong(data)]  # noqa: E731
    with Doorman(answer) as doorman, NgClient(doorman.port, retry_after=0.05) as client:
        assert client.ping()
    assert len(doorman.got) == 2
    assert doorman.got[0] == doorman.got[1]


def test_answers_in_another_order_doubled_and_strange_ones() -> None:
    held: list[bytes] = []

    def answer(datagram: bytes, number: int) -> list[bytes]:
        held.append(_pong(datagram))
        return [b"rubbish", b"other {}", *reversed(held), *held] if number == 3 else []

    with Doorman(answer) as doorman, NgClient(doorman.port, retry_after=0.3) as client:
        requests = [Request(f"c{number}", {"command": "ping"}) for number in range(3)]
        assert set(client.ask(requests)) == {"c0", "c1", "c2"}
    assert len(doorman.got) == 3


def test_silence_is_given_up() -> None:
    with Doorman(lambda *_: []) as doorman, NgClient(doorman.port, retry_after=0.03, give_up_after=0.1) as client:
        assert not client.ping()
        with pytest.raises(RtpengineUnreachable, match=str(doorman.port)):
            client.query("c")
    assert len(doorman.got) >= 4


def test_closed_port_is_given_up_at_once() -> None:
    started = time.monotonic()
    with NgClient(free_port(), retry_after=5, give_up_after=20) as client:
        assert client.ask([query_request("CA1", f"c{number}") for number in range(100)]) == {}
        assert not client.ping()
    assert time.monotonic() - started < 2
