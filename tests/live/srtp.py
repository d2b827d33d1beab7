"""SRTP by hand (RFC 3711): AES_CM_128_HMAC_SHA1_80 and _32, streams of fewer than 2^16 packets, no MKI."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TAG_BYTES = {"AES_CM_128_HMAC_SHA1_80": 10, "AES_CM_128_HMAC_SHA1_32": 4}
HEADER = 12


def _keystream(key: bytes, counter: int, length: int) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(counter.to_bytes(16, "big"))).encryptor()
    return encryptor.update(bytes(length))


class Srtp:
    """One direction: what a key of `a=crypto` protects. `roc` is 0 all along: the sequence number must not wrap."""

    def __init__(self, suite: str, inline: str | None = None) -> None:
        """`inline`: a key as SDP has it, base64; None: a new one."""
        self.suite = suite
        self.inline = inline or base64.b64encode(secrets.token_bytes(30)).decode()
        master = base64.b64decode(self.inline)
        key, salt = master[:16], int.from_bytes(master[16:30], "big")
        # Section 4.3.1, key_derivation_rate 0: labels 0 to 2 are for encryption, authentication and salt.
        self._key, self._auth, session_salt = (
            _keystream(key, (salt ^ label << 48) << 16, length) for label, length in ((0, 16), (1, 20), (2, 14))
        )
        self._salt = int.from_bytes(session_salt, "big")

    @property
    def crypto(self) -> str:
        """The line of SDP (RFC 4568)."""
        return f"a=crypto:1 {self.suite} inline:{self.inline}\r\n"

    def _crypted(self, packet: bytes) -> bytes:
        sequence, _, ssrc = struct.unpack_from("!HII", packet, 2)
        stream = _keystream(self._key, self._salt << 16 ^ ssrc << 64 ^ sequence << 16, len(packet) - HEADER)
        return packet[:HEADER] + bytes(a ^ b for a, b in zip(packet[HEADER:], stream, strict=True))

    def _tag(self, protected: bytes) -> bytes:
        return hmac.new(self._auth, protected + bytes(4), hashlib.sha1).digest()[: TAG_BYTES[self.suite]]

    def protect(self, packet: bytes) -> bytes:
        protected = self._crypted(packet)
        return protected + self._tag(protected)

    def unprotect(self, packet: bytes) -> bytes:
        """The RTP packet. ValueError where it was not made with this key."""
        protected, tag = packet[: -TAG_BYTES[self.suite]], packet[-TAG_BYTES[self.suite] :]
        if tag != self._tag(protected):
            raise ValueError("the tag is not of this key")
        return self._crypted(protected)
