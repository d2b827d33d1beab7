"""An edge that has IPv6 and nothing else: it is well, and calls a PBX whose name has an AAAA record."""

from __future__ import annotations

import secrets
import socket

import pytest
from demo_carrier import add_url
from live_node import LiveNode

from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.testbench.sip_text import parse_sip

pytestmark = pytest.mark.live

HERE = "::1"
SDP = "v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


def open_socket() -> socket.socket:
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.bind((HERE, 0))
    client.settimeout(5)
    return client


def refusal(invite: str) -> bytes:
    """486 to this INVITE."""
    head = invite.partition("\r\n\r\n")[0].split("\r\n")[1:]
    copied = [line for line in head if line.partition(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")]
    tagged = [f"{line};tag=pbx" if line.lower().startswith("to:") else line for line in copied]
    return "\r\n".join(["SIP/2.0 486 Busy Here", *tagged, "Content-Length: 0", "", ""]).encode()


def test_a_name_with_an_ipv6_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    # That the node starts is half of it: an edge that takes its own address for a stranger's answers no OPTIONS.
    with (
        LiveNode(tmp_path_factory.mktemp("ipv6") / "home", host=HERE, demo=False) as node,
        open_socket() as pbx,
        open_socket() as carrier,
    ):
        made = node.api.post("/trunkline/v1/Carriers", FriendlyName="IPv6")
        node.api.post(f"/trunkline/v1/Carriers/{made['sid']}/Addresses", Network=f"{HERE}/128")
        trunk = node.make_trunk(credentials=False)
        name = f"{secrets.token_hex(4)}.pbx.test"
        rpc = KamailioRpc(edge_socket(node.settings))
        rpc.call("dns.add_a", [name, 300, "127.0.0.1", 1])  # 1: there is no such record
        rpc.call("dns.add_aaaa", [name, 300, HERE, 0])
        add_url(node, trunk, f"sip:{name}:{pbx.getsockname()[1]}")
        node.wait_published()

        port, call_id = carrier.getsockname()[1], secrets.token_hex(8)
        lines = (
            f"INVITE sip:{trunk.number}@[{HERE}]:{node.sip_port} SIP/2.0",
            f"Via: SIP/2.0/UDP [{HERE}]:{port};branch=z9hG4bK{secrets.token_hex(6)};rport",
            "Max-Forwards: 70",
            f"From: <sip:+15550004321@[{HERE}]>;tag=carrier",
            f"To: <sip:{trunk.number}@[{HERE}]>",
            f"Call-ID: {call_id}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:carrier@[{HERE}]:{port}>",
            "Content-Type: application/sdp",
            f"Content-Length: {len(SDP)}",
        )
        carrier.sendto(("\r\n".join(lines) + "\r\n\r\n" + SDP).encode(), (HERE, node.sip_port))
        asked, edge = pbx.recvfrom(65535)
        invite = asked.decode()
        assert invite.startswith(f"INVITE sip:{trunk.number}@{name}:")
        assert "c=IN IP6 ::1" in invite
        pbx.sendto(refusal(invite), edge)
        answers = [parse_sip(carrier.recv(65535).decode()).sip_status for _ in range(2)]
        assert answers == [100, 486]
        record = node.record(call_id)
        assert [(row["outcome"], row["sip_status"]) for row in record["attempts"]] == [("failed", 486)]
        assert record["source_address"] == f"udp:{HERE}:{port}"
