"""What a TLS handshake shows to whoever cannot decrypt it (RFC 8446, RFC 5246): hellos, certificates, alerts."""

from __future__ import annotations

from typing import Any, Literal

from trunkline.analyzer.model.capture import Endpoint, TlsFact
from trunkline.analyzer.read.frame import Frame
from trunkline.analyzer.read.harvest import MOST_FACTS, Harvest
from trunkline.analyzer.read.marked import Marked

CHANGE_CIPHER, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 115: "unknown_psk_identity", 116: "certificate_required",
    120: "no_application_protocol",
}  # fmt: skip
LONGEST_HANDSHAKE = 256 << 10


class TlsStream:
    """One direction, up to the first encrypted record."""

    matters = True

    def __init__(self, harvest: Harvest, src: Endpoint, dst: Endpoint) -> None:
        self.harvest = harvest
        self.ends = (src, dst)
        self.handshake = bytearray()
        self.encrypted = False

    def step(self, buffer: Marked) -> bool:
        """Takes all complete records; False: from here on all is encrypted."""
        while len(buffer.data) >= 5:
            kind, size = buffer.data[0], int.from_bytes(buffer.data[3:5], "big")
            if not CHANGE_CIPHER <= kind <= DATA + 1 or buffer.data[1] != 3 or size > 18_432:
                return False
            if kind == DATA:
                _, frame, _ = buffer.take(5)
                self.fact(frame, "application_data")
                return False
            if len(buffer.data) < 5 + size:
                return True
            record, frame, _ = buffer.take(5 + size)
            if kind == CHANGE_CIPHER:
                self.encrypted = True
            elif kind == ALERT and size == 2:
                self.alert(frame, record[5], record[6])
            elif kind == HANDSHAKE and not self.encrypted:
                self.handshake += record[5:]
                self.messages(frame)
        return True

    def lost(self, buffer: Marked) -> None:
        buffer.clear()
        self.handshake.clear()

    def fact(
        self,
        frame: Frame,
        kind: Literal["client_hello", "server_hello", "certificate", "alert", "application_data"],
        **more: Any,
    ) -> None:
        facts = self.harvest.capture.tls
        if self.harvest.room("TLS facts", len(facts), MOST_FACTS):
            facts.append(TlsFact(frame.place, frame.time, *self.ends, kind, **more))

    def alert(self, frame: Frame, level: int, code: int) -> None:
        if level in {1, 2}:
            # close_notify and user_canceled end a connection in order, whatever the level says (RFC 8446 section 6.1).
            self.fact(frame, "alert", alert=ALERTS.get(code, str(code)), fatal=level == 2 and code not in {0, 90})

    def messages(self, frame: Frame) -> None:
        """Handshake messages, which may span records or share one."""
        data = self.handshake
        while len(data) >= 4:
            kind, size = data[0], int.from_bytes(data[1:4], "big")
            if size > LONGEST_HANDSHAKE:
                self.encrypted = True
                data.clear()
                return
            if len(data) < 4 + size:
                return
            body = bytes(data[4 : 4 + size])
            del data[: 4 + size]
            if kind == CLIENT_HELLO:
                self.fact(frame, "client_hello", **read_hello(body, client=True))
            elif kind == SERVER_HELLO:
                self.fact(frame, "server_hello", **read_hello(body, client=False))
            elif kind == CERTIFICATE:
                self.fact(frame, "certificate", certificates=read_certificates(body))


def read_hello(body: bytes, *, client: bool) -> dict[str, Any]:
    """Version (the highest), name of the server and ALPN of a ClientHello or ServerHello."""
    number = int.from_bytes(body[:2], "big")
    at = 35 + (body[34] if len(body) > 34 else 0)
    if client:
        at += 2 + int.from_bytes(body[at : at + 2], "big")
        at += 1 + (body[at] if at < len(body) else 0)
    else:
        at += 3
    at += 2
    found: dict[str, Any] = {"server_name": "", "alpn": ()}
    while at + 4 <= len(body):
        kind, size = int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big")
        value = body[at + 4 : at + 4 + size]
        if kind == 0 and client:
            found["server_name"] = value[5 : 5 + int.from_bytes(value[3:5], "big")].decode("ascii", "replace")[:255]
        elif kind == 16:
            found["alpn"] = names(value[2:])
        elif kind == 43:
            offered = value[1:] if client else value
            numbers = [int.from_bytes(offered[i : i + 2], "big") for i in range(0, len(offered) - 1, 2)]
            # GREASE (RFC 8701) offers numbers that are no version.
            number = max((n for n in numbers if n in VERSIONS), default=number)
        at += 4 + size
    found["version"] = VERSIONS.get(number, f"0x{number:04x}")
    return found


def names(value: bytes) -> tuple[str, ...]:
    """Strings of one byte of length each."""
    found: list[str] = []
    at = 0
    while at < len(value) and len(found) < 32:
        found.append(value[at + 1 : at + 1 + value[at]].decode("ascii", "replace"))
        at += 1 + value[at]
    return tuple(found)


def read_certificates(body: bytes) -> tuple[bytes, ...]:
    """DER of each certificate, the leaf first (RFC 5246 section 7.4.2)."""
    found: list[bytes] = []
    at = 3
    while at + 3 <= len(body) and len(found) < 10:
        size = int.from_bytes(body[at : at + 3], "big")
        if size == 0 or at + 3 + size > len(body):
            break
        found.append(body[at + 3 : at + 3 + size])
        at += 3 + size
    return tuple(found)
