"""The test PBX: digest against an independent check, received calls, addresses, codecs, registration, its own end."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from agent_checks import assert_ended_well
from sip_doorman import CHALLENGE, Doorman, digest_is_right

from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.control import ControlError
from trunkline.testbench.numbers import ECHO_NUMBER
from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.tone import read_tone

TO = "sip:+15550100000@acme.pstn.twilio.com"


def challenge_once(request):
    """A trunk that wants digest, and after it knows no such number."""
    if not request.first("Proxy-Authorization"):
        return 407, "Proxy Authentication Required", CHALLENGE
    if digest_is_right(request, "ann", "secret"):
        return 404, "Not Found", {"X-Twilio-Error": "13224 Dial: Invalid phone number"}
    return 403, "Forbidden", {"X-Twilio-Error": "32202 Bad credentials"}


@pytest.mark.parametrize(
    ("password", "sip_status", "error"),
    [("secret", 404, "13224 Dial: Invalid phone number"), ("wrong", 403, "32202 Bad credentials")],
)
def test_digest(pbx, password, sip_status, error):
    with Doorman(challenge_once) as door:
        result = pbx.call(CallPlan(to=TO, via=door.uri, username="ann", password=password))
    assert (result.sip_status, result.twilio_error) == (sip_status, error)
    assert (result.challenges, result.credentials_sent) == (1, True)
    assert [answer.sip_status for answer in result.answers] == [407, sip_status]
    first, *_ = door.requests
    assert first.ruri == TO  # the label reaches the edge in the Request-URI …
    assert first.every("Route") == []  # … and nothing but the Request-URI says where to


def test_challenge_for_ever_ends(pbx):
    with Doorman(lambda _: (407, "Proxy Authentication Required", CHALLENGE)) as door:
        result = pbx.call(CallPlan(to=TO, via=door.uri, username="ann", password="secret"))
    assert (result.sip_status, result.ended_by) == (407, "callee")
    assert result.challenges >= 2


def test_challenge_without_credentials(pbx):
    with Doorman(challenge_once) as door:
        result = pbx.call(CallPlan(to=TO, via=door.uri))
    assert (result.sip_status, result.challenges, result.credentials_sent) == (407, 1, False)


def test_route_header_when_wanted(pbx):
    with Doorman(lambda _: (404, "Not Found", {})) as door:
        pbx.call(CallPlan(to=TO, via=door.uri, route_header=True))
    assert ";lr" in door.requests[0].first("Route")


def test_register(pbx):
    with Doorman(lambda _: (403, "Forbidden", {"X-Twilio-Error": "32210 Registration not allowed"})) as door:
        outcome = pbx.register(door.uri, "acme.pstn.twilio.com", "ann", "secret")
    assert (outcome["sip_status"], outcome["twilio_error"]) == (403, "32210 Registration not allowed")


def test_no_listener(pbx):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        result = pbx.call(CallPlan(to=TO, via=f"sip:127.0.0.1:{port};transport=tcp", give_up_after=3))
    assert (result.sip_status, result.answers) == (None, ())
    assert "refused" in result.failure


def test_unverified_certificate_is_refused(carrier):
    """A PBX that is given a CA accepts no other; the carrier's certificate is not signed by this one."""
    import ssl

    system_ca = ssl.get_default_verify_paths().cafile
    if system_ca is None or not os.path.exists(system_ca):
        pytest.skip("no CA bundle on this system")
    with PbxProcess("--tls-port", "0", "--tls-ca", system_ca) as other:
        result = other.call(CallPlan(to=TO, via=carrier.uri("tls"), srtp="mandatory", give_up_after=3))
    assert result.sip_status is None
    assert result.failure


def test_tls_elsewhere_needs_a_ca():
    with (
        PbxProcess("--tls-port", "0") as other,
        pytest.raises(ControlError, match="--tls-ca"),
    ):
        other.place_call(CallPlan(to=TO, via="sip:192.0.2.1:5061;transport=tls"))


def test_private_address_in_sdp_and_contact(carrier):
    with PbxProcess("--public-host", "10.9.8.7") as other:
        result = other.call(CallPlan(to=TO, via=carrier.sip_uri, cancel_after=0.5, seconds=0.5))
    invite = next(invite for invite in carrier.seen() if invite.call_id == result.call_id)
    assert "@10.9.8.7:" in invite.header("Contact")
    assert invite.source.startswith("udp:127.0.0.1:")
    assert invite.media.rtp_received > 0  # its real address sends …
    assert invite.media.remote_rtp.startswith("10.9.8.7:")  # … but its SDP says otherwise


def test_codec_choice_and_media_ports(carrier):
    with PbxProcess("--codecs", "PCMA", "--rtp-ports", "23000-23020") as other:
        result = other.call(CallPlan(to=TO, via=carrier.sip_uri, seconds=0.8))
    assert result.media.codec == "PCMA/8000"
    assert result.media.tone.heard
    invite = next(invite for invite in carrier.seen() if invite.call_id == result.call_id)
    assert 23000 <= int(invite.media.remote_rtp.rpartition(":")[2]) <= 23020


def test_recording_is_kept(pbx, carrier, tmp_path):
    wav = tmp_path / "echo.wav"
    pbx.call(CallPlan(to=TO, via=carrier.sip_uri, seconds=0.8, record_to=str(wav)))
    assert read_tone(wav, 1000).heard


@pytest.mark.parametrize(
    ("behaviour", "sip_status"),
    [
        ({"kind": "refuse", "sip_status": 486}, 486),
        ({"kind": "refuse", "sip_status": 603, "ring": True, "refuse_after": 0.2}, 603),
        ({"kind": "answer", "media": "tone:700", "answer_after": 0.3}, 200),
    ],
)
def test_received_calls(pbx, carrier, behaviour, sip_status):
    pbx.behave(**behaviour)
    result = carrier.call(
        CallPlan(to="sip:+15550110001@127.0.0.1", via=pbx.uri("tcp"), seconds=0.6, media="silence", listen_hz=700)
    )
    assert result.sip_status == sip_status
    if sip_status == 200:
        assert result.media.tone.heard
        assert result.timeline.answered == pytest.approx(0.3, abs=0.2)


def test_received_call_with_srtp_only(carrier):
    with PbxProcess("--srtp", "mandatory") as other:
        plain = carrier.call(CallPlan(to="sip:+15550110001@127.0.0.1", via=other.sip_uri, seconds=0.5))
        secure = carrier.call(
            CallPlan(to="sip:+15550110001@127.0.0.1", via=other.sip_uri, seconds=0.6, srtp="mandatory")
        )
    assert plain.sip_status in (406, 488)
    assert secure.media.srtp
    assert secure.media.tone.heard


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"media": "noise"}, "tone:HZ"),
        ({"srtp": "maybe"}, "mandatory"),
        ({"digits": "12x"}, "dialled"),
        ({"to": "+15550100000"}, "SIP URI"),
        ({"via": "sip:127.0.0.1:99999"}, "sip:host:port"),
        ({"via": "sip:127.0.0.1:5060;transport=sctp"}, "udp, tcp or tls"),
        ({"via": "sip:127.0.0.1:5061;transport=tls"}, "no tls transport"),
        ({"headers": {"X-Bad": "a\r\nb"}}, "one line"),
    ],
)
def test_bad_plans_are_refused_in_words(change, words, plain_pbx):
    fields = {"to": TO, "via": "sip:127.0.0.1:5060", **change}
    with pytest.raises(ControlError, match=words):
        plain_pbx.place_call(CallPlan(**fields))


def test_bad_behaviour_is_refused_in_words(plain_pbx):
    with pytest.raises(ControlError, match="no option colour"):
        plain_pbx.behave("refuse", colour="red")
    with pytest.raises(ControlError, match="use one of answer"):
        plain_pbx.behave("sulk")
    with pytest.raises(ControlError, match="tone:HZ"):
        plain_pbx.behave("answer", media="noise")
    with pytest.raises(ControlError, match="300 to 699"):
        plain_pbx.behave("refuse", sip_status=200)


@pytest.fixture(scope="module")
def plain_pbx():
    with PbxProcess() as process:
        yield process
    assert_ended_well(process)


def test_port_taken_is_one_line_and_exit_2():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        process = PbxProcess("--port", str(port))
        with pytest.raises(ControlError, match=f"cannot listen on udp 127.0.0.1:{port}"):
            process.start()
    assert process.returncode == 2
    assert len(process.stderr().splitlines()) == 1


def test_wrong_option_is_exit_2():
    process = PbxProcess("--rtp-ports", "many")
    with pytest.raises(ControlError, match="--rtp-ports many"):
        process.start()
    assert process.returncode == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_standard_output_is_ours_alone_buffered_or_not(monkeypatch, unbuffered):
    """PJSIP prints while it starts; what the C library has buffered must not come out later."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with PbxProcess() as process:
        pass
    assert_ended_well(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_during_a_call_says_goodbye(carrier, number):
    process = PbxProcess().start()
    call = process.place_call(CallPlan(to=f"sip:{ECHO_NUMBER}@acme.pstn.twilio.com", via=carrier.sip_uri, seconds=None))
    process.wait_until(lambda: process.result(call).answered, "the answer")
    call_id = process.result(call).call_id
    os.kill(process.pid, number)
    carrier.wait_until(
        lambda: [i.ended_by for i in carrier.seen() if i.call_id == call_id and i.ended] == ["caller"], "the BYE"
    )
    process.stop()
    assert_ended_well(process)


def test_agent_ends_when_its_parent_is_killed(tmp_path):
    """kill -9 of the parent: no orphan stays."""
    script = (
        "import time; from trunkline.testbench.pbx import PbxProcess; "
        "p = PbxProcess().start(); print(p.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while not _is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _is_gone(pid)


def _is_gone(pid: int) -> bool:
    """Ended; where nobody reaps orphans (a container) it stays in the table as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
