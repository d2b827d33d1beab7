"""Every fault by its name, on the wire: what the agent with it sends, and the capture of the run."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trunkline.testbench.fault_caller import FaultyCall, FaultyResult, place_faulty_call
from trunkline.testbench.fault_carrier import PRIVATE, FaultCarrier
from trunkline.testbench.faults import BY_NAME, FAULTS, choose, fault_list
from trunkline.testbench.pcap import PcapWriter
from trunkline.testbench.tls_faults import connect_with_old_tls, serve_tls

HOST = "127.0.0.1"


@contextmanager
def serving(carrier: FaultCarrier) -> Iterator[FaultCarrier]:
    stop = threading.Event()
    thread = threading.Thread(target=carrier.run, args=(stop.is_set,))
    thread.start()
    try:
        yield carrier
    finally:
        stop.set()
        thread.join(5)
        carrier.close()


def call(tmp_path: Path, of_carrier: str = "none", of_pbx: str = "none", **plan: float) -> tuple[FaultyResult, bytes]:
    """One call between the two; what the PBX saw, and the capture that it wrote."""
    path = tmp_path / "run.pcap"
    with PcapWriter(path) as capture, serving(FaultCarrier(choose(of_carrier, "carrier"))) as carrier:
        via = f"sip:{HOST}:{carrier.agent.port};transport=udp"
        plan = {"seconds": 0.8, **plan}
        result = place_faulty_call(
            FaultyCall(f"sip:+15550100000@{HOST}", via, "+15557770001", digits="1", **plan),
            choose(of_pbx, "pbx"),
            capture=capture,
        )
    return result, path.read_bytes()


def datagrams(capture: bytes) -> list[tuple[int, int, bytes]]:
    """Source port, destination port and payload of each UDP datagram of a capture."""
    assert struct.unpack("<IHHiIII", capture[:24]) == (0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    at, found = 24, []
    while at < len(capture):
        length = struct.unpack("<I", capture[at + 8 : at + 12])[0]
        packet = capture[at + 16 : at + 16 + length]
        assert packet[0] == 0x45
        assert packet[9] == 17
        source, destination = struct.unpack("!HH", packet[20:24])
        found.append((source, destination, packet[28:]))
        at += 16 + length
    return found


def sip(capture: bytes, start: bytes) -> list[bytes]:
    return [data for _, _, data in datagrams(capture) if data.startswith(start)]


def rtp(capture: bytes) -> list[tuple[int, bytes]]:
    """Source port and packet."""
    return [(source, data) for source, _, data in datagrams(capture) if data[:1] == b"\x80"]


def test_without_a_fault(tmp_path: Path) -> None:
    result, capture = call(tmp_path)
    assert (result.sip_status, result.ended_by) == (200, "caller")
    assert result.rtp_sent == pytest.approx(47, abs=12)
    assert result.rtp_received > 15
    assert len(sip(capture, b"INVITE ")) == 1
    assert {data[1] & 0x7F for _, data in rtp(capture)} == {0, 101}


def test_lost_ack_and_422_and_488(tmp_path: Path) -> None:
    refused, capture = call(tmp_path, "refuse-488")
    assert refused.sip_status == 488
    assert b"Warning: 304" in sip(capture, b"SIP/2.0 488")[0]
    small, capture = call(tmp_path, "session-interval-422")
    assert small.sip_status == 422
    assert b"Min-SE: 1800" in sip(capture, b"SIP/2.0 422")[0]


def test_no_ack_is_sent(tmp_path: Path) -> None:
    result, capture = call(tmp_path, "session-expires-drop=1", "lost-ack")
    assert (result.ended_by, sip(capture, b"ACK ")) == ("callee", [])
    assert len(sip(capture, b"SIP/2.0 200")) > 2  # the answer, again and again
    assert b"Session timer expired" in sip(capture, b"BYE ")[0]


@pytest.mark.parametrize("side", ["carrier", "pbx"])
def test_addresses_that_lead_nowhere(tmp_path: Path, side: str) -> None:
    message = b"SIP/2.0 200" if side == "carrier" else b"INVITE "
    _, capture = call(tmp_path, **{f"of_{side}": "private-sdp"})
    assert f"c=IN IP4 {PRIVATE}".encode() in sip(capture, message)[0]
    _, capture = call(tmp_path, **{f"of_{side}": "private-contact"})
    assert f"@{PRIVATE}:5060>".encode() in sip(capture, message)[0]
    _, capture = call(tmp_path, **{f"of_{side}": "malformed-sdp"})
    assert b"c=IN" not in sip(capture, message)[0]


def test_digits(tmp_path: Path) -> None:
    _, capture = call(tmp_path, of_pbx="dtmf-wrong-payload-type")
    assert {data[1] & 0x7F for _, data in rtp(capture)} == {0, 96}
    assert b"a=rtpmap:101 telephone-event" in sip(capture, b"INVITE ")[0]
    _, capture = call(tmp_path, of_pbx="dtmf-in-band")
    assert b"telephone-event" not in sip(capture, b"INVITE ")[0]
    assert {data[1] & 0x7F for _, data in rtp(capture)} == {0}
    _, capture = call(tmp_path, of_pbx="dtmf-info")
    assert b"application/dtmf-relay" in sip(capture, b"INFO ")[0]


def test_audio_that_goes_wrong(tmp_path: Path) -> None:
    silent, _ = call(tmp_path, "one-way-rtp")
    assert silent.rtp_received == 0
    _, capture = call(tmp_path, of_pbx="rtp-other-port")
    announced = int(sip(capture, b"INVITE ")[0].partition(b"m=audio ")[2].split(b" ")[0])
    assert announced not in {source for source, data in rtp(capture) if data[1] & 0x7F == 101}
    lossy, _ = call(tmp_path, "loss=50")
    assert 3 < lossy.rtp_received < 32
    _, capture = call(tmp_path, "jitter=80")
    numbers = [struct.unpack("!H", data[2:4])[0] for _, data in rtp(capture)]
    assert numbers != sorted(numbers)


def test_ends_that_never_come(tmp_path: Path) -> None:
    result, capture = call(tmp_path, of_pbx="no-bye", seconds=2)
    assert (result.ended_by, sip(capture, b"BYE ")) == ("nobody", [])
    late, _ = call(tmp_path, "late-200=1.2")
    assert late.sip_status == 200


def test_too_many_and_twice_the_same(tmp_path: Path) -> None:
    _, capture = call(tmp_path, of_pbx="retransmission-storm=7")
    assert len(sip(capture, b"INVITE ")) == 7
    _, capture = call(tmp_path, "retransmission-storm=9")
    assert len(sip(capture, b"SIP/2.0 200")) >= 9


def test_wrong_cseq_repeats_the_number() -> None:
    """Against a socket that challenges."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        server.settimeout(5)
        numbers: list[str] = []

        def challenge() -> None:
            while len(numbers) < 2:
                data, peer = server.recvfrom(65535)
                lines = data.decode().split("\r\n")
                if not lines[0].startswith("INVITE"):
                    continue
                kept = [line for line in lines if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
                numbers.append(next(line for line in kept if line.startswith("CSeq")))
                status = "407 Proxy Authentication Required" if len(numbers) == 1 else "486 Busy Here"
                extra = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'
                answer = f"SIP/2.0 {status}\r\n" + "\r\n".join(kept) + f";x=1\r\n{extra}Content-Length: 0\r\n\r\n"
                server.sendto(answer.replace(" INVITE;x=1", " INVITE").encode(), peer)

        thread = threading.Thread(target=challenge)
        thread.start()
        plan = FaultyCall(f"sip:1@{HOST}", f"sip:{HOST}:{server.getsockname()[1]};transport=udp", "1", "u", "p")
        result = place_faulty_call(plan, choose("wrong-cseq", "pbx"))
        thread.join(5)
    assert result.sip_status == 486
    assert numbers[0] == numbers[1]


def checked_certificate(port: int) -> str:
    context = ssl.create_default_context()
    context.check_hostname = False
    with socket.create_connection((HOST, port), timeout=5) as connection:
        try:
            context.wrap_socket(connection)
        except ssl.SSLError as error:
            return str(error.reason)
    return "taken"


@pytest.mark.parametrize("name", ["tls-expired-certificate", "tls-1.0"])
def test_tls(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    stop = threading.Event()
    path = tmp_path / "tls.pcap"
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with PcapWriter(path) as capture:
        server = threading.Thread(target=serve_tls, args=(choose(name, "carrier"), HOST, port, capture, stop.is_set))
        server.start()
        try:
            until = time.monotonic() + 5
            while "ready" not in capsys.readouterr().out and time.monotonic() < until:
                time.sleep(0.02)
            outcome = connect_with_old_tls((HOST, port), None) if name == "tls-1.0" else checked_certificate(port)
        finally:
            stop.set()
            server.join(5)
    assert outcome == "ok TLSv1" if name == "tls-1.0" else "CERTIFICATE_VERIFY_FAILED" in outcome
    assert len(path.read_bytes()) > 400


def test_every_fault_is_in_the_list_and_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "testbench.md").read_text()
    for fault in FAULTS:
        assert f"`{fault.name}`" in text, fault.name
        for side in fault.sides:
            assert fault.name in fault_list(side)
    assert len(BY_NAME) == len(FAULTS)
    with pytest.raises(ValueError, match="the pbx has these"):
        choose("late-200", "pbx")
    with pytest.raises(ValueError, match="a number of percent"):
        choose("loss=much", "pbx")
