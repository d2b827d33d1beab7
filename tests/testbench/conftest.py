"""Agents of this room's tests: one carrier and one PBX for all tests of a file, and a certificate for 127.0.0.1."""

import datetime as dt
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_checks import assert_ended_well
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trunkline.testbench.carrier import CarrierProcess
from trunkline.testbench.pbx import PbxProcess


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Self-signed for 127.0.0.1: PEM certificate (its own CA) and key."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_path, key_path


def tls_options(certificate: tuple[Path, Path]) -> tuple[str, ...]:
    return ("--tls-port", "0", "--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))


@pytest.fixture(scope="module")
def carrier(certificate: tuple[Path, Path]) -> Iterator[CarrierProcess]:
    with CarrierProcess("--record", *tls_options(certificate)) as process:
        yield process
    assert_ended_well(process)


@pytest.fixture(scope="module")
def pbx(certificate: tuple[Path, Path]) -> Iterator[PbxProcess]:
    with PbxProcess("--record", *tls_options(certificate), "--tls-ca", str(certificate[0])) as process:
        yield process
    assert_ended_well(process)
