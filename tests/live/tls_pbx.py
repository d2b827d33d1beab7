"""A PBX by hand whose SIP goes over one TLS connection: its own to the node, or the node's to it."""

from __future__ import annotations

import socket
import ssl

from live_node import LiveNode

from trunkline.testbench.pcap import Address
from trunkline.testbench.raw_agent import Datagram, RawAgent
from trunkline.testbench.sip_text import parse_sip


class TlsPbx(RawAgent):
    """Connected to the node's TLS port."""

    def __init__(self, node: LiveNode, host: str) -> None:
        super().__init__((host, node.tls_port), host=host, agent="PBX/3")
        self._sip.close()
        self._pending = b""
        self._connect(node)
        self.port = int(self._sip.getsockname()[1])

    def _connect(self, node: LiveNode) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection((self.host, node.tls_port), timeout=10, source_address=(self.host, 0))
        self._sip = context.wrap_socket(plain)

    @property
    def contact(self) -> str:
        return f"{super().contact};transport=tls"

    def send(self, message: bytes, to: Address | None = None) -> bytes:
        self._sip.sendall(message.replace(b"Via: SIP/2.0/UDP ", b"Via: SIP/2.0/TLS ", 1))
        return message

    def _take(self, one: socket.socket, found: list[Datagram]) -> None:
        if one is not self._sip:
            super()._take(one, found)
            return
        self._pending += self._sip.recv(65535)
        while b"\r\n\r\n" in self._pending:
            head, _, rest = self._pending.partition(b"\r\n\r\n")
            length = int(parse_sip(head.decode() + "\r\n\r\n").first("Content-Length") or 0)
            if len(rest) < length:
                break
            datagram = Datagram(0.0, self.peer, head + b"\r\n\r\n" + rest[:length])
            self._pending = rest[length:]
            found.append(datagram)
            self.received.append(datagram.sip)


class CalledTlsPbx(TlsPbx):
    """Listens on `port`; `accept` before anything else."""

    def _connect(self, node: LiveNode) -> None:
        self._certificate = node.settings.tls_dir
        self._sip = socket.create_server((self.host, 0))
        self._sip.settimeout(10)

    def accept(self) -> None:
        """Take the connection that the node has made, or makes now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Any will do: the node does not ask who its PBX is (engines/kamailio/config.py).
        context.load_cert_chain(self._certificate / "cert.pem", self._certificate / "key.pem")
        with self._sip as listener:
            plain, _ = listener.accept()
        plain.settimeout(10)
        self._sip = context.wrap_socket(plain, server_side=True)
