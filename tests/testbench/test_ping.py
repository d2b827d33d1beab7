"""OPTIONS against the carrier (a real user agent) and against nobody."""

import asyncio
import socket

import pytest

from trunkline.testbench.ping import PingError, parse_target, ping


def run(uri, **options):
    return asyncio.run(ping(parse_target(uri), **options))


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_carrier_answers(carrier, certificate, transport):
    report = run(carrier.uri(transport), count=3, interval=0.01, ca=certificate[0] if transport == "tls" else None)
    assert (report.received, report.loss) == (3, 0.0)
    assert {echo.sip_status for echo in report.echoes} == {200}
    low, mean, high = report.times
    assert 0 < low <= mean <= high < 1000
    assert report.to_json()["received"] == 3


def test_unknown_authority(carrier):
    """TLS with a CA given is verified; the carrier's certificate is not signed by that one."""
    report = run(carrier.uri("tls").replace("127.0.0.1", "localhost"), count=1)
    assert report.received == 1  # loopback without a CA: not verified


def test_silence_is_loss(carrier):
    report = run(carrier.silent_uri, count=1, patience=0.7)
    assert (report.received, report.loss, report.times) == (0, 1.0, None)
    assert report.echoes[0].failure == "no answer within 0.7 s"
    assert report.to_json()["avg_ms"] is None


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_nobody_there(transport):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    report = run(f"sip:127.0.0.1:{port};transport={transport}", count=1)
    assert report.received == 0
    assert "refused" in report.echoes[0].failure.lower()


def test_a_server_that_hangs_up():
    async def story():
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await ping(parse_target(f"sip:127.0.0.1:{port};transport=tcp"), count=1)

    report = asyncio.run(story())
    assert report.received == 0
    assert report.echoes[0].failure


@pytest.mark.parametrize(
    ("uri", "host", "port", "transport"),
    [
        ("sip:192.0.2.1", "192.0.2.1", 5060, "udp"),
        ("sip:a@192.0.2.1:5080;transport=TCP;lr", "192.0.2.1", 5080, "tcp"),
        ("sips:trunk.example", "trunk.example", 5061, "tls"),
        ("sip:[2001:db8::1]:5070;transport=tls", "2001:db8::1", 5070, "tls"),
        ("127.0.0.1:5062", "127.0.0.1", 5062, "udp"),
    ],
)
def test_targets(uri, host, port, transport):
    target = parse_target(uri)
    assert (target.host, target.port, target.transport) == (host, port, transport)
    assert target.uri.startswith(("sip:", "sips:"))


@pytest.mark.parametrize(
    "uri", ["", "sip:", "sip:a b", "sip:host:port", "sip:host:0", "sip:host;transport=sctp", "<sip:x>"]
)
def test_bad_targets(uri):
    with pytest.raises(PingError, match=r"sip:127\.0\.0\.1|transport="):
        parse_target(uri)
