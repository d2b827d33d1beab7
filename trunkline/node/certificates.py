"""The certificate of the TLS listener: the operator's own, or one of this node's own CA, made at the first start.

Files in `home/tls`: `cert.pem` and `key.pem` are what Kamailio reads; who places them there keeps them. `ca.pem` is
what a PBX is told to trust, `ca-key.pem` signs. Made certificates are renewed when they end or the addresses change.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trunkline.settings import Settings

LIFETIME = dt.timedelta(days=825)
"""What TLS clients accept of a server certificate at most."""
CA_LIFETIME = dt.timedelta(days=3650)
RENEW_BEFORE = dt.timedelta(days=30)
BACKDATED = dt.timedelta(hours=1)
"""Clocks of PBXs are late."""
CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Trunkline node CA")])


class CertificateError(Exception):
    """The operator's files are not usable; the text says which and why."""


def ensure(settings: Settings, now: dt.datetime) -> Path:
    """Make what is missing and return the path of the certificate. Raises CertificateError on unusable own files."""
    folder = settings.tls_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if certificate.exists() != key.exists():
        missing = key if certificate.exists() else certificate
        raise CertificateError(f"{missing} is missing: put the certificate and its key there, or remove both files")
    if certificate.exists() and not _is_ours_and_old(settings, certificate, now):
        _check_pair(certificate, key)
        return certificate
    ca, ca_key = _authority(folder, now)
    _write_server(settings, ca, ca_key, now)
    return certificate


def check(settings: Settings) -> dt.date:
    """Until when the certificate in place is valid. Raises CertificateError when the files cannot be used."""
    certificate, key = settings.tls_dir / "cert.pem", settings.tls_dir / "key.pem"
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        _check_pair(certificate, key)
    except OSError as problem:
        raise CertificateError(f"{problem.filename}: {problem.strerror}") from None
    except ValueError as problem:
        raise CertificateError(f"{certificate} is no PEM certificate: {problem}") from None
    return found.not_valid_after_utc.date()


def is_made(settings: Settings) -> bool:
    """Whether the certificate in place is of the node's own authority, which nobody trusts without `ca.pem`."""
    try:
        found = x509.load_pem_x509_certificate((settings.tls_dir / "cert.pem").read_bytes())
    except (OSError, ValueError):
        return False
    return found.issuer == CA_NAME


def names_of(settings: Settings) -> list[x509.GeneralName]:
    """What the certificate is valid for: `localhost` and every address that a peer may know us by."""
    texts = {"127.0.0.1", settings.sip_host, settings.advertised_ip, settings.second_host or settings.sip_host}
    addresses = [ipaddress.ip_address(text) for text in sorted(texts)]
    ips = [x509.IPAddress(address) for address in addresses if not address.is_unspecified]
    return [x509.DNSName("localhost"), *ips]


def _is_ours_and_old(settings: Settings, path: Path, now: dt.datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as problem:
        raise CertificateError(f"{path} is no PEM certificate: {problem}") from None
    if certificate.issuer != CA_NAME:
        return False
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return certificate.not_valid_after_utc - RENEW_BEFORE < now or list(named) != names_of(settings)


def _check_pair(certificate: Path, key: Path) -> None:
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError) as problem:
        raise CertificateError(f"{key} is no PEM private key without a password: {problem}") from None
    public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    if public != private.public_key():
        raise CertificateError(f"{key} is not the key of {certificate}")


def _authority(folder: Path, now: dt.datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    ca_path, key_path = folder / "ca.pem", folder / "ca-key.pem"
    if ca_path.exists() and key_path.exists():
        ca = x509.load_pem_x509_certificate(ca_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        if ca.not_valid_after_utc - LIFETIME > now and isinstance(key, ec.EllipticCurvePrivateKey):
            return ca, key
    key = ec.generate_private_key(ec.SECP256R1())
    ca = (
        _builder(CA_NAME, key.public_key(), now, CA_LIFETIME)
        .issuer_name(CA_NAME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_path, _private_bytes(key))
    _write(ca_path, ca.public_bytes(serialization.Encoding.PEM))
    return ca, key


def _write_server(
    settings: Settings, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, now: dt.datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, settings.advertised_ip)])
    certificate = (
        _builder(subject, key.public_key(), now, LIFETIME)
        .issuer_name(CA_NAME)
        .add_extension(x509.SubjectAlternativeName(names_of(settings)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        # A SIP server is a client, too, where it opens the connection (RFC 5924 section 4).
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    _write(settings.tls_dir / "key.pem", _private_bytes(key))
    _write(settings.tls_dir / "cert.pem", certificate.public_bytes(pem) + ca.public_bytes(pem))


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, lifetime: dt.timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Never world-readable, not even for a moment; whole or not at all."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    new.replace(path)
