"""One header of 64 KiB and less, over TCP and TLS, where no datagram limits it: carried unchanged, or refused, and
nothing is hurt.

    up to 24,000 bytes     an INVITE is carried, with all of its headers
    up to 65,535 bytes     INVITE and UPDATE get 513: of an INVITE of more than 32,767 bytes Kamailio makes no CANCEL
                           and no ACK (invite_len in its t_msgbuilder.c is a short). Others get their answer; within a
                           call, from 60,000 bytes on, 513
    more than that         the connection ends without an answer (tcp_rd_buf_size): where the next message would begin
                           in the stream is not known then. By TLS from 64,512 bytes on, so that what the front adds
                           never ends the connection between it and the edge
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from hostile import unhurt
from live_node import LiveNode, LiveTrunk
from played_carriers import PlayedCarrier
from raw_sip import sdp
from tls_pbx import TlsPbx

from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.testbench.sip_text import SipText, parse_sip

pytestmark = pytest.mark.live

LONGEST = 65_535
KIB_64 = 65_536
SOURCE = "127.0.7.9"
CALLED = "+15550190001"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    with LiveNode(tmp_path_factory.mktemp("long") / "home", demo=False) as running:
        yield running


@pytest.fixture(scope="module")
def trunk(node: LiveNode) -> LiveTrunk:
    return node.make_trunk(credentials=False, acl=f"{SOURCE}/32")


@pytest.fixture(scope="module")
def carrier(node: LiveNode) -> Iterator[PlayedCarrier]:
    with PlayedCarrier(node) as played:
        yield played


class Stream:
    """A connection to the edge."""

    def __init__(self, node: LiveNode, transport: str) -> None:
        port = node.tls_port if transport == "tls" else node.sip_port
        self._socket = socket.create_connection((node.host, port), timeout=10, source_address=(SOURCE, 0))
        self.transport = transport
        self.address = "{}:{}".format(*self._socket.getsockname()[:2])
        if transport == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._socket = context.wrap_socket(self._socket)
        self._pending = b""

    def close(self) -> None:
        self._socket.close()

    def request(self, method: str, uri: str, caller: str, *, size: int, header: str = "X-Long") -> bytes:
        """A request of exactly so many bytes, of which this header takes what the others leave."""
        mark = secrets.token_hex(6)
        body = sdp() if method == "INVITE" else b""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        head = (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self.transport.upper()} {self.address};branch=z9hG4bK{mark};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{caller}@pbx.example>;tag={mark}\r\nTo: <{uri}>\r\nCall-ID: {mark}\r\n"
            f"CSeq: 1 {method}\r\nContact: <sip:pbx@{self.address};transport={self.transport}>\r\n{kind}"
            f"Content-Length: {len(body)}\r\n{header}: "
        ).encode()
        return head + b"x" * (size - len(head) - len(body) - 4) + b"\r\n\r\n" + body

    def send(self, message: bytes) -> None:
        try:
            self._socket.sendall(message)
        except (ConnectionError, ssl.SSLError):
            pass  # closed while it was still being sent: `answer` finds that out

    def answer(self) -> SipText | None:
        """The next final response; None: the connection was closed."""
        while True:
            head, end, rest = self._pending.partition(b"\r\n\r\n")
            if end:
                self._pending = rest  # what the edge says here has no body
                found = parse_sip(head.decode() + "\r\n\r\n")
                if found.sip_status >= 200:
                    return found
                continue
            try:
                more = self._socket.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return None
            if not more:
                return None
            self._pending += more


def long_value(invite: SipText) -> str:
    return invite.first("X-Long")


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER"])
def test_a_header_of_64_kib_ends_the_connection_and_nothing_else(
    node: LiveNode, trunk: LiveTrunk, carrier: PlayedCarrier, transport: str, method: str
) -> None:
    uri = f"sip:{CALLED}@{trunk.domain_name}"
    seen = len(carrier.received)
    with unhurt(node), closing(Stream(node, transport)) as other, closing(Stream(node, transport)) as stream:
        message = stream.request(method, uri, trunk.number, size=KIB_64 + 600)
        assert len(message.partition(b"X-Long: ")[2].partition(b"\r\n")[0]) >= KIB_64 - 500
        stream.send(message)
        assert stream.answer() is None
        # Whoever else is connected does not notice.
        other.send(other.request("OPTIONS", f"sip:{node.host}", "a", size=600))
        answered = other.answer()
        assert answered is not None
        assert answered.sip_status == 200
    assert len(carrier.received) == seen


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_the_longest_message_that_is_read(node: LiveNode, trunk: LiveTrunk, transport: str) -> None:
    with unhurt(node), closing(Stream(node, transport)) as stream:
        # Behind TLS the edge gets it with a Via and a header more.
        size = LONGEST - (1 if transport == "tcp" else 1500)
        stream.send(stream.request("OPTIONS", f"sip:{node.host}", "a", size=size))
        answered = stream.answer()
        assert answered is not None
        assert answered.sip_status == 200
        # The stream is where it should be: the next message is read, too.
        stream.send(stream.request("OPTIONS", f"sip:{node.host}", "a", size=700))
        answered = stream.answer()
        assert answered is not None
        assert answered.sip_status == 200


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_long_header_is_carried_unchanged(
    node: LiveNode, trunk: LiveTrunk, carrier: PlayedCarrier, transport: str
) -> None:
    seen = len(carrier.received)
    with unhurt(node), closing(Stream(node, transport)) as stream:
        sent = stream.request("INVITE", f"sip:{CALLED}@{trunk.domain_name}", trunk.number, size=23_500)
        stream.send(sent)
        invite = carrier.invite(after=seen)
        carrier.refuse(invite, 486, "Busy Here")
        answered = stream.answer()
        assert answered is not None
        assert answered.sip_status == 486
        assert f"X-Long: {long_value(invite)}\r\n".encode() in sent
        assert len(long_value(invite)) > 22_000


@pytest.mark.parametrize("header", ["X-Long", "Contact", "Record-Route"])
def test_the_longest_invite_can_be_cancelled(
    node: LiveNode, trunk: LiveTrunk, carrier: PlayedCarrier, header: str
) -> None:
    """Contact and Record-Route travel sealed in our own Contact, where they are longer."""
    seen = len(carrier.received)
    uri = f"sip:{CALLED}@{trunk.domain_name}"
    with unhurt(node), closing(Stream(node, "tcp")) as stream:
        sent = stream.request("INVITE", uri, trunk.number, size=24_000, header=header)
        if header == "Contact":
            sent = sent.replace(b"Contact: xxxx", b"Contact: <sip:").replace(b"x\r\n\r\nv=0", b">\r\n\r\nv=0")
            sent = sent.replace(f"Contact: <sip:pbx@{stream.address};transport=tcp>\r\n".encode(), b"")
            sent = sent.replace(b"<sip:x", b"<sip:x@127.0.7.9;x=")
        elif header == "Record-Route":
            sent = sent.replace(b"Record-Route: xxxxxxxxxxxxxxxxxxxxxxxxxxx", b"Record-Route: <sip:127.0.7.9;lr;x=xxx")
            sent = sent.replace(b"x\r\n\r\nv=0", b">\r\n\r\nv=0")
        stream.send(sent)
        invite = carrier.invite(after=seen)
        carrier.respond(invite, 180, "Ringing", tag="long")
        top = parse_sip(sent.decode())
        copied = "".join(f"{name}: {top.first(name)}\r\n" for name in ("Via", "From", "To", "Call-ID"))
        stream.send(f"CANCEL {uri} SIP/2.0\r\n{copied}CSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n".encode())
        cancel = carrier.wait_request("CANCEL", after=seen)
        carrier.respond(cancel, 200)
        carrier.refuse(invite, 487, "Request Terminated")
        answers = [stream.answer(), stream.answer()]
        assert sorted(one.sip_status for one in answers if one is not None) == [200, 487]
    assert node.record(top.first("Call-ID"))["status"] == "canceled"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("size", [24_100, 40_000, 64_000])
def test_an_invite_that_could_not_be_cancelled_is_refused(
    node: LiveNode, trunk: LiveTrunk, carrier: PlayedCarrier, transport: str, size: int
) -> None:
    seen = len(carrier.received)
    with unhurt(node), closing(Stream(node, transport)) as stream:
        stream.send(stream.request("INVITE", f"sip:{CALLED}@{trunk.domain_name}", trunk.number, size=size))
        answered = stream.answer()
        assert answered is not None
        assert (answered.sip_status, answered.sip_reason) == (513, "Message Too Large")
    assert len(carrier.received) == seen


@pytest.mark.parametrize("size", [64_600, LONGEST - 200, LONGEST])
def test_what_the_edge_could_not_read_does_not_leave_the_tls_front(node: LiveNode, size: int) -> None:
    """The connection between the two carries everybody's calls: it must be the same one afterwards."""
    with unhurt(node), closing(Stream(node, "tls")) as other, closing(Stream(node, "tls")) as stream:
        assert_unhurt(node, other)
        before = from_front(node)
        assert before
        stream.send(stream.request("OPTIONS", f"sip:{node.host}", "a", size=size))
        assert stream.answer() is None
        assert_unhurt(node, other)
        assert from_front(node) == before


def test_what_comes_within_a_call_does_not_end_the_way_to_the_tls_front(node: LiveNode, carrier: PlayedCarrier) -> None:
    trunk, seen = node.make_trunk(), len(carrier.received)
    node.wait_published()
    long = f"X-Long: {'x' * 64_800}\r\n"
    with closing(Stream(node, "tls")) as other, TlsPbx(node, node.host) as pbx:
        assert_unhurt(node, other)
        dialog = pbx.new_dialog(f"sip:{CALLED}@{trunk.domain_name}", trunk.number)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
        challenge = pbx.final(dialog)
        pbx.ack(dialog, challenge)
        pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
        invite, before = carrier.invite(after=seen), from_front(node)
        taken = carrier.taken(invite)
        carrier.respond(invite, 183, "Session Progress", tag=taken.local_tag, headers=long)
        carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
        pbx.ack(dialog, pbx.final(dialog))
        carrier.wait_request("ACK", after=seen)
        carrier.send(carrier.request(taken, "INFO", headers=long))
        assert carrier.final(taken, "INFO").sip_status == 513
        pbx.send(pbx.request(dialog, "BYE"))
        carrier.respond(carrier.wait_request("BYE", after=seen), 200)
        assert pbx.final(dialog, "BYE").sip_status == 200
        assert not [m for m in pbx.received if m.sip_status == 183 or m.method == "INFO"]
        assert_unhurt(node, other)
        assert from_front(node) == before


def from_front(node: LiveNode) -> set[str]:
    """The edge's connections at its inner port, by the front's end of each."""
    inner = json.loads(node.settings.ports_file.read_text())["edge_inner"]
    found = KamailioRpc(edge_socket(node.settings)).call("core.tcp_list")
    listed = found if isinstance(found, list) else [found]
    return {f"{one['src_ip']}:{one['src_port']}" for one in listed if int(one["dst_port"]) == inner}


def many_vias(stream: Stream, node: LiveNode, count: int) -> bytes:
    """OPTIONS with so many entries of Via, each as short as RFC 3261 lets it be."""
    sent = stream.request("OPTIONS", f"sip:{node.host}", "a", size=700)
    return sent.replace(b"\r\nMax-Forwards:", b",SIP/2.0/UDP a" * (count - 1) + b"\r\nMax-Forwards:", 1)


def assert_unhurt(node: LiveNode, other: Stream) -> None:
    """Who was connected before gets an answer within a second, on that connection."""
    began = time.monotonic()
    other.send(other.request("OPTIONS", f"sip:{node.host}", "a", size=600))
    answered = other.answer()
    assert answered is not None
    assert answered.sip_status == 200
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_ten_thousand_vias_end_the_connection_and_nothing_else(node: LiveNode, transport: str) -> None:
    with unhurt(node), closing(Stream(node, transport)) as other, closing(Stream(node, transport)) as stream:
        stream.send(many_vias(stream, node, 10_000))
        assert stream.answer() is None
        assert_unhurt(node, other)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_as_many_vias_as_fit(node: LiveNode, transport: str) -> None:
    """4,500 of them, all of which stand in the answer (RFC 3261 section 8.2.6.2)."""
    with unhurt(node), closing(Stream(node, transport)) as other, closing(Stream(node, transport)) as stream:
        sent = many_vias(stream, node, 4_500)
        assert 63_000 < len(sent) < LONGEST - 1500
        stream.send(sent)
        answered = stream.answer()
        assert answered is not None
        assert answered.sip_status == 200
        assert sum(line.count("SIP/2.0/") for line in answered.every("Via")) == 4_500
        assert_unhurt(node, other)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("length", [b"-1", b"-999", b"-9223372036854775808", b"4294967295"])
def test_an_impossible_content_length(node: LiveNode, transport: str, length: bytes) -> None:
    """Where the next message would begin in the stream is not known: its connection ends, refused or without a word."""
    with unhurt(node), closing(Stream(node, transport)) as other, closing(Stream(node, transport)) as stream:
        sent = stream.request("OPTIONS", f"sip:{node.host}", "a", size=700)
        stream.send(sent.replace(b"Content-Length: 0", b"Content-Length: " + length))
        answered = stream.answer()
        assert answered is None or 400 <= answered.sip_status < 500
        assert answered is None or stream.answer() is None, "and nothing of it is taken for another message"
        assert_unhurt(node, other)
