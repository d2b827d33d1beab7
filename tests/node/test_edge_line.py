"""Requests of the node's own by the edge: what goes out, and answers that come in pieces."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from trunkline.node.edge_line import EdgeAway, EdgeLine


@pytest.fixture
def edge(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        fields = {"hop_secret": "s3cret", "inner_port": server.getsockname()[1], "edge": "192.0.2.1:5060"}
        addresses = {"plain_address": "192.0.2.1:5060", "secure_address": "192.0.2.1:5061;transport=tls"}
        (tmp_path / "edge.json").write_text(json.dumps(fields | addresses))
        line = EdgeLine(tmp_path / "edge.json")
        peer, _ = server.accept()
        with peer:
            yield line, peer
        line.close()


def answer(call_id: str, status: str, body: str = "", more: str = "") -> bytes:
    return f"SIP/2.0 {status}\r\ni: {call_id}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_a_request(edge) -> None:
    line, peer = edge
    line.send("OPTIONS", "sip:h", sender="sip:us", to="sip:h", call_id="1", tag="t", cseq=7, headers="X-A: b\r\n")
    text = peer.recv(4096).decode()
    assert text.startswith("OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:")
    assert "\r\nX-Trunkline-Own: s3cret\r\n" in text
    assert text.endswith("X-A: b\r\nContent-Length: 0\r\n\r\n")
    assert [line.contact(name) for name in ("udp", "tcp", "tls")] == [
        "192.0.2.1:5060", "192.0.2.1:5060;transport=tcp", "192.0.2.1:5061;transport=tls",
    ]  # fmt: skip


def test_answers_in_pieces(edge) -> None:
    line, peer = edge
    more = "Contact: <sip:a>,\r\n <sip:b>\r\nWWW-Authenticate: Digest a\r\nwww-authenticate: Digest b\r\n"
    stream = answer("1", "100 Trying") + b"\r\n" + answer("2", "401 Unauthorized", "body", more) + answer("3", "200 OK")
    peer.sendall(stream[:40])
    assert line.answers(1.0) == []
    peer.sendall(stream[40:-3])
    (second,) = line.answers(1.0)
    assert (second.call_id, second.status, second.reason) == ("2", 401, "Unauthorized")
    assert second.every("WWW-Authenticate") == ["Digest a", "Digest b"]
    assert second.first("contact") == "<sip:a>, <sip:b>"
    peer.sendall(stream[-3:])
    assert [one.call_id for one in line.answers(1.0)] == ["3"]
    assert line.answers(0.0) == []


def test_an_edge_that_is_away(edge, tmp_path: Path) -> None:
    line, peer = edge
    peer.close()
    with pytest.raises(EdgeAway):
        line.answers(1.0)
    with pytest.raises(EdgeAway):
        EdgeLine(tmp_path / "nowhere.json")
