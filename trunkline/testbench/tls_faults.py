"""TLS that cannot work: an expired certificate, a version that nobody takes any more. Every byte is captured."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from trunkline.testbench.faults import ChosenFault
from trunkline.testbench.pcap import Address, PcapWriter

_WAIT = 5.0
_ANY_CIPHER = "ALL:@SECLEVEL=0"
"""OpenSSL 3 speaks TLS 1.0 at no higher level."""


def expired_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that ended yesterday, and its key: PEM files in `folder`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "carrier.invalid")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=366))
        .not_valid_after(now - dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "expired.pem", folder / "expired-key.pem"
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_path, key_path


def handshake(connection: socket.socket, context: ssl.SSLContext, capture: PcapWriter | None, *, server: bool) -> str:
    """Shake hands over this connection; `ok <version>` or what OpenSSL said. OSError when the connection breaks."""
    connection.settimeout(_WAIT)
    own, peer = _address(connection.getsockname()), _address(connection.getpeername())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=server)

    def flush() -> None:
        data = outgoing.read()
        if data:
            if capture is not None:
                capture.tcp(own, peer, data)
            connection.sendall(data)

    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            flush()
            data = connection.recv(16384)
            if not data:
                return "the other side closed the connection"
            if capture is not None:
                capture.tcp(peer, own, data)
            incoming.write(data)
        except ssl.SSLError as error:
            flush()
            return error.reason or str(error)
        else:
            flush()
            return f"ok {tls.version()}"


def _address(name: tuple[str, int]) -> Address:
    return name[0], name[1]


def _old(context: ssl.SSLContext) -> None:
    """Nothing newer than TLS 1.0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers(_ANY_CIPHER)


def connect_with_old_tls(to: Address, capture: PcapWriter | None) -> str:
    """A PBX of long ago: TLS 1.0 to this address. What came of it. OSError when nobody listens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _old(context)
    with socket.create_connection(to, timeout=_WAIT) as connection:
        return handshake(connection, context, capture, server=False)


def serve_tls(fault: ChosenFault, host: str, port: int, capture: PcapWriter | None, stopped: Callable[[], bool]) -> int:
    """A carrier's TLS port with this fault. JSON lines on standard output: `ready`, then each handshake."""
    with tempfile.TemporaryDirectory(prefix="trunkline-tls-") as folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*expired_certificate(Path(folder)))
    if fault.is_("tls-1.0"):
        _old(context)
    else:
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 would hide the certificate from the capture
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        literal = f"[{host}]" if ":" in host else host
        uri = f"sip:{literal}:{listener.getsockname()[1]};transport=tls"
        _say({"event": "ready", "sip_uris": {"tls": uri}, "fault": fault.name})
        listener.settimeout(0.2)
        while not stopped():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    outcome = handshake(connection, context, capture, server=True)
                except OSError as problem:
                    outcome = str(problem)
                _say({"event": "handshake", "outcome": outcome})
    return 0


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
