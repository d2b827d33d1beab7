"""PBX → PSTN, with real processes and real audio: the call, its end from either side, its record, refusals by the callee."""

from __future__ import annotations

import time
from typing import Any

import pytest
from carrier_side import only_call, seen_by_carrier
from live_node import LiveNode, LiveTrunk, wait_for
from raw_sip import RawCaller

from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.process import AgentProcess
from trunkline.testbench.result import CallResult

ECHO = "+15550100000"
DIGITS_BACK = "+15550100733"
RINGS = "+15550100180"
TRIES = "+15550100100"


def assert_record_is_right(record: dict[str, Any], result: CallResult, trunk: LiveTrunk, started: float, transport: str) -> None:
    """The record of an answered call against what the PBX saw. `started`: Unix time just before the first INVITE."""
    line, media = result.timeline, result.media
    assert (record["status"], record["sip_status"], record["cause"]) == ("completed", 200, None)
    assert record["direction"] == "trunking-terminating"
    assert (record["caller"], record["called"]) == (trunk.number, result.ruri.partition(":")[2].partition("@")[0])
    assert record["trunk_sid"] == trunk.sid
    # The INVITE with credentials comes some milliseconds after the first; the PBX's clock is ours.
    for name, seconds in (("started_us", 0.0), ("ringing_us", line.ringing), ("answered_us", line.answered), ("ended_us", line.ended)):
        assert record[name] / 1e6 - started == pytest.approx(seconds, abs=1.0), name
    assert record["duration"] == pytest.approx(line.ended - line.answered, abs=1.0)
    assert 0 <= record["pdd_ms"] <= 1000 * line.ringing + 50
    assert record["ended_by"] == result.ended_by
    assert record["q850_cause"] == 16
    assert record["source_address"].startswith(f"{transport}:127.0.0.1:")
    assert record["secure"] is (transport == "tls")
    assert record["user_agent"] == "Trunkline test PBX"
    assert record["codec"] == media.codec.partition("/")[0]
    assert record["customer_side"]["packets"] == pytest.approx(media.rtp_sent, abs=5)
    assert record["carrier_side"]["packets"] == pytest.approx(media.rtp_received, abs=5)
    for side in ("customer_side", "carrier_side"):
        assert record[side]["lost"] == 0, record
        assert 0 <= record[side]["jitter_ms"] < 30, record
        assert 4.0 <= record[side]["mos"] <= 4.5, record
    (attempt,) = record["attempts"]
    assert (attempt["n"], attempt["outcome"], attempt["sip_status"]) == (0, "answered", 200)
    assert attempt["uri"].startswith(f"sip:{record['called']}@")
    assert record["alerts"] == []


@pytest.fixture(scope="module")
def tls_pbx() -> Any:
    with PbxProcess("--tls-port", "0") as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_tone_digits_and_record(node: LiveNode, tls_pbx: PbxProcess, transport: str) -> None:
    """The caller hangs up; over TLS the trunk is secure and the audio SRTP."""
    secure = transport == "tls"
    trunk = node.make_trunk(secure=secure)
    srtp = "mandatory" if secure else "off"
    echo_started = time.time()
    echo = tls_pbx.place_call(trunk.plan(node, ECHO, transport=transport, seconds=3.2, srtp=srtp))
    digits = tls_pbx.place_call(trunk.plan(node, DIGITS_BACK, transport=transport, digits="159#0", seconds=4.0, srtp=srtp))
    result, digits_result = tls_pbx.result(echo, wait=20), tls_pbx.result(digits, wait=20)
    assert (result.sip_status, result.challenges, result.ended_by) == (200, 1, "caller"), result
    assert result.media.srtp is secure
    tone = result.media.tone
    assert tone.ratio > 0.95, tone
    assert tone.tone_seconds == pytest.approx(3.0, abs=0.4), tone
    assert result.media.rtp_lost == 0, result
    assert digits_result.media.dtmf_received == "159#0", digits_result
    assert_record_is_right(node.record(result.call_id), result, trunk, echo_started, transport)
    assert node.record(digits_result.call_id)["status"] == "completed"


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_callee_hangs_up(node: LiveNode, tls_pbx: PbxProcess, transport: str) -> None:
    trunk = node.make_trunk(secure=transport == "tls")
    started = time.time()
    result = tls_pbx.call(trunk.plan(node, "+15550123002", transport=transport,
                                     seconds=None, listen_hz=440.0, srtp="mandatory" if transport == "tls" else "off"))
    assert (result.sip_status, result.ended_by) == (200, "callee"), result
    assert result.timeline.ended - result.timeline.answered == pytest.approx(2.0, abs=0.3)
    assert result.media.tone.ratio > 0.95, result
    assert result.media.tone.tone_seconds == pytest.approx(1.8, abs=0.4), result
    assert_record_is_right(node.record(result.call_id), result, trunk, started, transport)


# ---- what a trunk's security asks for -------------------------------------------------------------------------------


@pytest.mark.parametrize(("secure", "transport", "srtp", "code"), [
    (True, "udp", "off", "32209"), (True, "udp", "mandatory", "32209"), (True, "tls", "off", "32208"),
    (False, "tls", "mandatory", "32207"), (False, "udp", "mandatory", "32207")])
def test_security_that_does_not_fit(node: LiveNode, tls_pbx: PbxProcess, secure: bool, transport: str, srtp: str, code: str) -> None:
    trunk = node.make_trunk(secure=secure)
    result = tls_pbx.call(trunk.plan(node, ECHO, transport=transport, srtp=srtp))
    assert result.sip_status == 488, result
    assert result.twilio_error.startswith(code), result
    record = node.record(result.call_id)
    assert (record["status"], record["sip_status"], record["error_code"]) == ("failed", 488, int(code)), record
    assert [alert["error_code"] for alert in record["alerts"]] == [int(code)], record
    assert seen_by_carrier(node, trunk.number) == []


def test_a_plain_call_over_tls(node: LiveNode, tls_pbx: PbxProcess) -> None:
    """TLS without SRTP is allowed where the trunk is not secure."""
    trunk = node.make_trunk()
    result = tls_pbx.call(trunk.plan(node, ECHO, transport="tls", seconds=1.0))
    assert result.sip_status == 200, result
    assert result.media.tone.heard, result
    assert node.record(result.call_id)["source_address"].startswith("tls:")


# ---- calls that nobody answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("called", [RINGS, TRIES])
def test_the_caller_cancels(node: LiveNode, pbx: AgentProcess, called: str) -> None:
    trunk = node.make_trunk()
    result = pbx.call(trunk.plan(node, called, cancel_after=1.0))
    assert (result.sip_status, result.ended_by, result.answered) == (487, "caller", False), result
    at_carrier = only_call(node, trunk.number)
    assert at_carrier.cancelled, at_carrier
    record = node.record(result.call_id)
    assert (record["status"], record["sip_status"], record["ended_by"], record["duration"]) == ("canceled", 487, "caller", 0), record
    assert record["answered_us"] is None
    assert (record["ringing_us"] is not None) is (called == RINGS)
    assert (record["ended_us"] - record["started_us"]) / 1e6 == pytest.approx(1.0, abs=0.5)
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["canceled"]
    assert record["alerts"] == []


@pytest.mark.parametrize(("called", "status", "word", "q850"), [
    ("+15550100486", 486, "busy", 17), ("+15550100480", 480, "no-answer", 18), ("+15550100404", 404, "failed", 1),
    ("+15550100603", 603, "busy", 21), ("+15550100503", 503, "failed", 41), ("+15550130600", 600, "busy", 17)])
def test_the_callee_refuses(node: LiveNode, pbx: AgentProcess, called: str, status: int, word: str, q850: int) -> None:
    trunk = node.make_trunk()
    result = pbx.call(trunk.plan(node, called))
    assert (result.sip_status, result.answered) == (status, False), result
    record = node.record(result.call_id)
    assert (record["status"], record["sip_status"], record["q850_cause"]) == (word, status, q850), record
    assert record["duration"] == 0
    assert record["ended_by"] == ("edge" if status == 503 else "callee")
    (attempt,) = record["attempts"]
    assert (attempt["outcome"], attempt["sip_status"], attempt["q850_cause"]) == ("failed", status, q850)
    assert attempt["next"]
    assert len(seen_by_carrier(node, trunk.number)) == 1


# ---- caller ID ------------------------------------------------------------------------------------------------------


def test_a_foreign_caller_id_is_replaced(node: LiveNode, pbx: AgentProcess) -> None:
    trunk = node.make_trunk()
    node.api.post(f"/trunkline/v1/Trunks/{trunk.sid}", CallerIdPolicy="replace", DefaultCallerId=trunk.number)
    node.wait_published()
    foreign = "+15559990001"
    result = pbx.call(trunk.plan(node, ECHO, caller=foreign, seconds=1.0, asserted_identity=f"sip:{foreign}@example.com"))
    assert result.sip_status == 200, result
    assert result.ended_by == "caller"
    at_carrier = only_call(node, trunk.number)
    assert at_carrier.answered
    assert at_carrier.ended_by == "caller"  # the BYE with the PBX's own From found its dialog there
    assert trunk.number in at_carrier.from_header
    assert foreign not in str(at_carrier.headers), at_carrier.headers
    assert trunk.number in at_carrier.asserted_identity
    record = node.record(result.call_id)
    assert (record["status"], record["caller"]) == ("completed", trunk.number)
    assert [(alert["error_code"], alert["log_level"]) for alert in record["alerts"]] == [(32204, "warning")]


def test_replies_and_requests_show_the_pbx_its_own_from(node: LiveNode) -> None:
    trunk = node.make_trunk()
    node.api.post(f"/trunkline/v1/Trunks/{trunk.sid}", CallerIdPolicy="replace", DefaultCallerId=trunk.number)
    node.wait_published()
    with RawCaller(node) as caller:
        answer = caller.invite(trunk, "+15550123001", caller="sip:+15559990002@pbx.example.com")  # the carrier hangs up after 1 s
        assert answer.sip_status == 200, answer
        assert answer.first("From").startswith("<sip:+15559990002@pbx.example.com>;tag="), answer
        bye = caller.wait(lambda message: message.method == "BYE" and message.is_request)
        assert bye.first("To").startswith("<sip:+15559990002@pbx.example.com>;tag="), bye
        caller.send(response(bye, 200))
        record = node.record(caller.call_id)
    assert (record["status"], record["ended_by"]) == ("completed", "callee")
    assert only_call(node, trunk.number).caller == trunk.number


def response(request: Any, status: int) -> bytes:
    lines = [f"SIP/2.0 {status} OK", *(f"Via: {via}" for via in request.every("Via"))]
    lines += [f"{name}: {request.first(name)}" for name in ("From", "To", "Call-ID", "CSeq")]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


# ---- what the edge says of itself -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "status"), [
    ("OPTIONS", 200), ("SUBSCRIBE", 405), ("PUBLISH", 405), ("MESSAGE", 405), ("NOTIFY", 405), ("FOO", 405), ("BYE", 481),
    ("UPDATE", 481), ("PRACK", 481)])
def test_other_methods_get_an_answer(node: LiveNode, method: str, status: int) -> None:
    with RawCaller(node) as caller:
        tag = ";tag=unknown" if status == 481 else ""
        caller.send(caller.request(method, f"sip:{node.host}:{node.sip_port}", to=f"<sip:x@{node.host}>{tag}"))
        answer = caller.final()
    assert answer.sip_status == status, answer
    assert status != 405 or "INVITE" in answer.first("Allow")


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_too_many_hops(node: LiveNode, method: str) -> None:
    with RawCaller(node) as caller:
        caller.send(caller.request(method, f"sip:{node.host}:{node.sip_port}", max_forwards=0))
        answer = caller.final()
    assert answer.sip_status == 483, answer
    assert answer.first("X-Twilio-Error").startswith("32006")


# ---- one call, one record -------------------------------------------------------------------------------------------


def test_retransmissions_make_one_call(node: LiveNode) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        invite = caller.authorized(trunk, ECHO)
        for _ in range(4):
            caller.send(invite)
        answer = caller.final()
        assert answer.sip_status == 200
        uri = f"sip:{ECHO}@{trunk.domain_name}"
        for _ in range(3):
            caller.send(caller.ack(answer, uri))
        caller.send(invite)
        bye = caller.bye(answer)
        for _ in range(4):
            caller.send(bye)
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["ended_by"], len(record["attempts"])) == ("completed", "caller", 1)
    assert only_call(node, trunk.number).ended_by == "caller"


def test_a_replayed_answer_to_a_challenge_is_refused(node: LiveNode) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        answer = caller.invite(trunk, "+15550100486")
        assert answer.sip_status == 486
        caller.new_call()
        overheard = caller.challenged(trunk, "+15550100486")
        uri = f"sip:+15550100486@{trunk.domain_name}"
        for status in (486, 407, 407):  # the second and third are the overheard header in a call of somebody else's
            caller.send(caller.request("INVITE", uri, headers=f"Proxy-Authorization: {overheard}\r\n",
                                       caller=f"sip:{trunk.number}@{trunk.domain_name}"))
            answer = caller.final()
            assert answer.sip_status == status, answer
            caller.send(caller.ack(answer, uri))
            caller.new_call()
        assert "stale=true" in answer.first("Proxy-Authenticate")
    assert len(seen_by_carrier(node, trunk.number)) == 2


# ---- requests of strangers ------------------------------------------------------------------------------------------


def test_a_stranger_cannot_end_the_call(node: LiveNode) -> None:
    """Who knows Call-ID and tags, but not our Route, ends nothing."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller, RawCaller(node) as stranger:
        answer = caller.invite(trunk, ECHO)
        stranger.call_id, stranger.tag, stranger.cseq = caller.call_id, caller.tag, caller.cseq
        (own,) = answer.every("Record-Route")
        route = own.partition("tl=")[0]
        token = own.partition("tl=")[2].partition(">")[0].partition(";")[0]
        forged = [
            "", f"Route: <sip:{node.host}:{node.sip_port};lr>\r\n", f"Route: {route}lr>\r\n",
            f"Route: {own.replace(token, token[:-1] + ('0' if token[-1] != '0' else '1'))}\r\n",
            f"Route: {own.replace(token, '0' * 32 + token[32:])}\r\n", f"Route: {own.replace(token, token[:34])}\r\n"]
        for route in forged:
            stranger.send(stranger.bye(answer, route=route))
            assert stranger.final().sip_status == 481, route
        # With the right Route, but in another call's name.
        stranger.send(stranger.bye(answer, call_id="another"))
        assert stranger.final().sip_status == 481
        # The call is still up: its own BYE reaches the carrier, and gets the carrier's answer.
        assert wait_for(lambda: seen_by_carrier(node, trunk.number), "the call")[0].ended is False
        assert node.find_records(caller.call_id) == [] or node.find_records(caller.call_id)[0]["ended_us"] is None
        caller.cseq += 20
        caller.send(caller.bye(answer))
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["ended_by"]) == ("completed", "caller")
    assert only_call(node, trunk.number).ended_by == "caller"


# ---- bytes that are not UTF-8 ---------------------------------------------------------------------------------------


def test_broken_bytes_where_no_decision_hangs_on_them(node: LiveNode) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        invite = caller.authorized(trunk, ECHO, headers="Subject: \xff\xfe\r\nUser-Agent: P\xe9riph\xc3\r\n")
        invite = invite.replace(b"From: <", b'From: "J\xfcrgen" <')
        caller.send(invite)
        answer = caller.final()
        assert answer.sip_status == 200, answer
        caller.send(caller.ack(answer, ""))
        caller.send(caller.bye(answer, headers="Reason: Q.850;cause=16;text=\"\xff\"\r\n"))
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["user_agent"], record["q850_cause"]) == ("completed", "P\ufffdriph\ufffd", 16)


@pytest.mark.parametrize("where", ["ruri", "from", "call-id", "tag", "to", "authorization", "identity"])
def test_broken_bytes_where_a_decision_hangs_on_them(node: LiveNode, where: str) -> None:
    trunk = node.make_trunk()
    user, bad = ECHO, "\xff\xfe"
    uri = f"sip:{user}{bad if where == 'ruri' else ''}@{trunk.domain_name}"
    with RawCaller(node) as caller:
        headers = {"authorization": f'Proxy-Authorization: Digest username="{bad}"\r\n',
                   "identity": f"P-Asserted-Identity: <sip:{bad}@example.com>\r\n"}.get(where, "")
        caller.send(caller.request(
            "INVITE", uri, headers=headers, to=f"<sip:{user}{bad if where == 'to' else ''}@{trunk.domain_name}>",
            caller=f"sip:+1555{bad if where == 'from' else ''}@example.com", tag=bad if where == "tag" else None,
            call_id=f"{caller.call_id}{bad}" if where == "call-id" else None))
        answer = caller.final()
    assert answer.sip_status == 400, answer
    assert "Traceback" not in node.settings.log_file.read_text()
