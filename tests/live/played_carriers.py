"""Carriers that a test plays message by message, at a node that has no others."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, Self

from live_node import LiveNode, LiveTrunk

from trunkline.testbench.raw_agent import Dialog, RawAgent
from trunkline.testbench.sip_text import SipText

PBX_HOST = "127.0.7.2"
REALM, USERNAME, PASSWORD = "carrier.example", "trunk42", 'not "so" Secret1'


class PlayedCarrier(RawAgent):
    """A carrier with one target, and its row in the API."""

    def __init__(self, node: LiveNode, host: str = "127.0.7.3", *, rates: dict[str, str] | None = None, **fields: Any):
        super().__init__((node.host, node.sip_port), host=host, agent="CarrierWare/9.1")
        self.node = node
        settings = {"FriendlyName": "Played", "ProbeSeconds": 0, **fields}
        self.sid = node.api.post("/trunkline/v1/Carriers", **settings)["sid"]
        self.path = f"/trunkline/v1/Carriers/{self.sid}"
        self.uri = f"sip:{host}:{self.port};transport=udp"
        self.target_sid = node.api.post(f"{self.path}/Targets", SipUri=self.uri)["sid"]
        for prefix, price in (rates or {}).items():
            node.api.post(f"{self.path}/Rates", Prefix=prefix, PricePerMinute=price)
        node.wait_published()

    def __exit__(self, *_: object) -> None:
        self.node.api.delete(self.path)
        self.node.wait_published()
        self.close()

    def change(self, **fields: Any) -> None:
        self.node.api.post(self.path, **fields)
        self.node.wait_published()

    def invite(self, after: int = 0) -> SipText:
        return self.wait_request("INVITE", after=after)

    def refuse(self, invite: SipText, status: int, reason: str = "Refused", headers: str = "") -> None:
        """And the ACK for it."""
        before = len(self.received)
        self.respond(invite, status, reason, tag=secrets.token_hex(4), headers=headers)
        self.wait_request("ACK", after=before)

    def says(self, status: int, until: Callable[[], bool], method: str = "OPTIONS") -> None:
        """Answers all of these requests so until then."""
        deadline, seen = time.monotonic() + 10.0, len(self.received)
        while not until():
            assert time.monotonic() < deadline, f"{[m.start_line for m in self.received]}"
            self.poll(0.05)
            for request in self.received[seen:]:
                if request.is_request and request.method == method:
                    self.respond(request, status, "Said So")
            seen = len(self.received)

    def take(self, invite: SipText) -> Dialog:
        taken = self.taken(invite)
        self.respond(invite, 200, tag=taken.local_tag, body=self.sdp())
        return taken


class Pbx(RawAgent):
    """A customer of the node."""

    def __init__(self, node: LiveNode, trunk: LiveTrunk) -> None:
        super().__init__((node.host, node.sip_port), host=PBX_HOST, agent="OfficePBX/3.2")
        self.trunk = trunk

    def dial(self, called: str | None = None, **changes: Any) -> Dialog:
        """The INVITE with credentials is out. `changes`: of the two requests."""
        trunk = self.trunk
        called = called or f"+1555019{secrets.randbelow(10**4):04d}"
        dialog = self.new_dialog(f"sip:{called}@{trunk.domain_name}", trunk.number, from_host=trunk.domain_name)
        dialog.local = changes.pop("sender", dialog.local)
        self.send(self.request(dialog, "INVITE", body=self.sdp(), **changes))
        challenge = self.final(dialog)
        assert challenge.sip_status == 407, challenge
        self.ack(dialog, challenge)
        self.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        self.send(self.request(dialog, "INVITE", body=self.sdp(), **changes))
        return dialog

    def hang_up(self, dialog: Dialog, other: RawAgent) -> SipText:
        """BYE, which the other side answers: as it came there."""
        before = len(other.received)
        self.send(self.request(dialog, "BYE"))
        bye = other.wait_request("BYE", after=before)
        other.respond(bye, 200)
        assert self.final(dialog, "BYE").sip_status == 200
        return bye

    def __enter__(self) -> Self:
        return self


def challenge(status: int, *, realm: str = REALM, algorithm: str = "MD5", nonce: str = "n0nce") -> str:
    """A header line."""
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    more = f'algorithm={algorithm}, qop="auth,auth-int", opaque="o,p"'
    return f'{name}: Digest realm="{realm}", nonce="{nonce}", {more}\r\n'


def answer_is_right(request: SipText, status: int, *, algorithm: str = "MD5") -> bool:
    """The digest of the request, worked out apart from the product's own (RFC 7616 section 3.4)."""
    value = request.first("Authorization" if status == 401 else "Proxy-Authorization")
    found = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', value)
    fields = {name: re.sub(r"\\(.)", r"\1", quoted) or token for name, quoted, token in found}

    def hashed(text: str) -> str:
        return (hashlib.sha256 if algorithm == "SHA-256" else hashlib.md5)(text.encode()).hexdigest()

    ha1 = hashed(f"{USERNAME}:{REALM}:{PASSWORD}")
    ha2 = hashed(f"{request.method}:{fields['uri']}")
    wanted = hashed(":".join([ha1, fields["nonce"], fields["nc"], fields["cnonce"], "auth", ha2]))
    same = fields["uri"] == request.ruri and fields["opaque"] == "o,p" and fields["username"] == USERNAME
    return same and fields["response"] == wanted
