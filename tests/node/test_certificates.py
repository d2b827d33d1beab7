"""The TLS certificate: made once, right for its addresses, and never the operator's own replaced."""

import datetime as dt
import socket
import ssl
import stat
import threading

import pytest
from cryptography import x509
from node_fixtures import settings_in

from trunkline.node import certificates
from trunkline.node.certificates import CertificateError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def contents(settings):
    return {path.name: path.read_bytes() for path in settings.tls_dir.iterdir()}


def test_made_once_and_kept(tmp_path):
    settings = settings_in(tmp_path)
    certificates.ensure(settings, NOW)
    first = contents(settings)
    assert set(first) == {"ca.pem", "ca-key.pem", "cert.pem", "key.pem"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in settings.tls_dir.iterdir()} == {0o600}
    certificates.ensure(settings, NOW + dt.timedelta(days=700))
    assert contents(settings) == first


def test_whose_certificate_it_is(tmp_path):
    settings, other = settings_in(tmp_path / "one"), settings_in(tmp_path / "other")
    assert not certificates.is_made(settings), "there is none yet"
    certificates.ensure(settings, NOW)
    assert certificates.is_made(settings)
    other.tls_dir.mkdir(parents=True)
    (other.tls_dir / "cert.pem").write_bytes((settings.tls_dir / "ca.pem").read_bytes().replace(b"CERT", b"KERT"))
    assert not certificates.is_made(other), "nothing that can be read"


def test_renewed_before_it_ends_by_the_same_ca(tmp_path):
    settings = settings_in(tmp_path)
    certificates.ensure(settings, NOW)
    first = contents(settings)
    certificates.ensure(settings, NOW + dt.timedelta(days=800))
    second = contents(settings)
    assert second["ca.pem"] == first["ca.pem"]
    assert second["cert.pem"] != first["cert.pem"]


def test_renewed_for_another_address(tmp_path):
    settings = settings_in(tmp_path)
    certificates.ensure(settings, NOW)
    first = contents(settings)
    certificates.ensure(settings_in(tmp_path, public_ip="192.0.2.7"), NOW)
    assert contents(settings)["cert.pem"] != first["cert.pem"]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "192.0.2.7"])
def test_a_client_that_checks_is_content(tmp_path, name):
    settings = settings_in(tmp_path, public_ip="192.0.2.7")
    certificates.ensure(settings, dt.datetime.now(dt.UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(settings.tls_dir / "cert.pem", settings.tls_dir / "key.pem")
    client = ssl.create_default_context(cafile=settings.tls_dir / "ca.pem")
    near, far = socket.socketpair()
    with near, far:
        answering = threading.Thread(target=lambda: server.wrap_socket(far, server_side=True))
        answering.start()
        client.wrap_socket(near, server_hostname=name)
        answering.join()


def test_the_operators_own_is_kept_however_old(tmp_path, monkeypatch):
    other = settings_in(tmp_path / "other")
    certificates.ensure(other, NOW)
    settings = settings_in(tmp_path / "mine")
    settings.tls_dir.mkdir(parents=True)
    own = contents(other)
    (settings.tls_dir / "cert.pem").write_bytes(own["ca.pem"])
    (settings.tls_dir / "key.pem").write_bytes(own["ca-key.pem"])
    before = contents(settings)
    monkeypatch.setattr(certificates, "CA_NAME", x509.Name([]))  # so the files are none of ours
    certificates.ensure(settings, NOW + dt.timedelta(days=9999))
    assert contents(settings) == before


@pytest.mark.parametrize(
    ("cert", "key", "says"),
    [
        (b"rubbish", b"rubbish", "cert.pem is no PEM certificate"),
        (b"rubbish", None, "key.pem is missing"),
        (None, b"rubbish", "cert.pem is missing"),
    ],
)
def test_unusable_files_are_named(tmp_path, cert, key, says):
    settings = settings_in(tmp_path)
    settings.tls_dir.mkdir()
    for name, content in (("cert.pem", cert), ("key.pem", key)):
        if content is not None:
            (settings.tls_dir / name).write_bytes(content)
    with pytest.raises(CertificateError, match=says):
        certificates.ensure(settings, NOW)


def test_a_key_of_another_certificate_is_refused(tmp_path):
    settings = settings_in(tmp_path)
    certificates.ensure(settings, NOW)
    (settings.tls_dir / "key.pem").write_bytes(contents(settings)["ca-key.pem"])
    with pytest.raises(CertificateError, match="is not the key of"):
        certificates.ensure(settings, NOW)
