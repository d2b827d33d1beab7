"""The simulated PSTN, called directly by the test PBX: every listed number does what the list says."""

import pytest

from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.carrier import CarrierProcess, main
from trunkline.testbench.control import ControlError
from trunkline.testbench.numbers import ECHO_NUMBER, NUMBERS
from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.result import SeenInvite


def plan(carrier: CarrierProcess, number: str, **options) -> CallPlan:
    return CallPlan(
        to=f"sip:{number}@acme.pstn.twilio.com",
        via=options.pop("via", carrier.sip_uri),
        caller="+15550009999",
        **options,
    )


def seen_by(carrier: CarrierProcess, call_id: str) -> SeenInvite:
    """The carrier's side of that call, ended."""
    found: list[SeenInvite] = []

    def there() -> bool:
        found[:] = [invite for invite in carrier.seen() if invite.call_id == call_id and invite.ended]
        return bool(found)

    carrier.wait_until(there, f"the carrier's record of {call_id}")
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_echo_returns_the_tone(pbx, carrier, transport):
    srtp = "mandatory" if transport == "tls" else "off"
    result = pbx.call(plan(carrier, ECHO_NUMBER, via=carrier.uri(transport), srtp=srtp, seconds=1.2))
    assert (result.sip_status, result.ended_by, result.finished) == (200, "caller", True)
    assert result.media.tone.heard
    assert result.media.tone.ratio > 0.95
    assert result.media.codec == "PCMU/8000"
    assert result.media.srtp == (transport == "tls")
    assert result.media.rtp_lost == 0
    assert result.media.rtp_received == pytest.approx(60, abs=12)
    assert result.timeline.ended - result.timeline.answered == pytest.approx(1.2, abs=0.2)
    assert result.media.early_tone is None
    invite = seen_by(carrier, result.call_id)
    assert invite.source.startswith(f"{transport}:127.0.0.1:")
    assert invite.ruri == f"sip:{ECHO_NUMBER}@acme.pstn.twilio.com"
    assert invite.secure == (transport == "tls")
    assert invite.media.tone.heard  # what the carrier heard of us
    assert invite.ended_by == "caller"


def test_tone_number(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550100440", media="silence", listen_hz=440, seconds=0.8))
    assert result.media.tone.heard
    assert result.media.tone.hz == 440


def test_the_wrong_tone_is_not_heard(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550100440", media="silence", listen_hz=1000, seconds=0.8))
    assert not result.media.tone.heard
    assert result.media.tone.ratio < 0.05


@pytest.mark.parametrize(
    ("number", "sip_status", "q850"),
    [
        ("+15550100486", 486, 17),
        ("+15550100404", 404, 1),
        ("+15550100603", 603, 21),
        ("+15550100503", 503, 41),
        ("+15550130484", 484, 28),
        ("+15550130200", 404, 1),  # a status that is no failure: not a number
        ("+15559999999", 404, 1),
        ("15550100000", 404, 1),  # without its +
    ],
)
def test_refusals(pbx, carrier, number, sip_status, q850):
    result = pbx.call(plan(carrier, number))
    assert (result.sip_status, result.answered, result.ended_by) == (sip_status, False, "callee")
    assert result.reason_header == f"Q.850;cause={q850}"
    assert seen_by(carrier, result.call_id).sip_status == sip_status


def test_no_answer_rings_first(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550121001"))
    assert [answer.sip_status for answer in result.answers] == [100, 180, 480]
    assert result.timeline.ended == pytest.approx(1.0, abs=0.3)


def test_answers_after_some_seconds(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550120001", seconds=0.3))
    assert result.timeline.ringing < 0.3
    assert result.timeline.answered == pytest.approx(1.0, abs=0.3)


def test_early_media_is_heard_before_the_answer(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550100183", media="tone:1000", listen_hz=440, seconds=0.8))
    assert [answer.sip_status for answer in result.answers] == [100, 183, 200]
    assert result.early_media_heard
    assert result.media.early_tone.heard  # 440 Hz
    assert result.timeline.answered == pytest.approx(1.0, abs=0.3)
    assert result.media.tone.ratio < 0.05  # after the answer: our 1 kHz, echoed


def test_carrier_hangs_up(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550123001", seconds=None, listen_hz=440))
    assert result.ended_by == "callee"
    assert result.timeline.ended - result.timeline.answered == pytest.approx(1.0, abs=0.3)
    assert result.reason_header.startswith("Q.850;cause=16")
    assert result.media.tone.heard


def test_digits_are_read_back(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550100733", media="silence", digits="159*0D#", seconds=4.0))
    assert result.media.dtmf_received == "159*0D#"
    assert seen_by(carrier, result.call_id).media.dtmf_received == "159*0D#"


def test_no_rtp_ever(pbx, carrier):
    result = pbx.call(plan(carrier, "+15550100001", seconds=0.8))
    assert result.media.rtp_sent > 20
    assert result.media.rtp_received == 0
    assert not result.media.tone.heard


@pytest.mark.parametrize(("number", "provisional"), [("+15550100180", [100, 180]), ("+15550100100", [100])])
def test_cancel(pbx, carrier, number, provisional):
    result = pbx.call(plan(carrier, number, cancel_after=0.4))
    assert [answer.sip_status for answer in result.answers] == [*provisional, 487]
    assert (result.sip_status, result.ended_by, result.answered) == (487, "caller", False)
    invite = seen_by(carrier, result.call_id)
    assert invite.cancelled
    assert invite.sip_status == 487


def test_silent_target_sees_the_invite_and_says_nothing(pbx, carrier):
    result = pbx.call(plan(carrier, ECHO_NUMBER, via=carrier.silent_uri, cancel_after=0.8))
    assert (result.sip_status, result.answers) == (None, ())
    assert result.failure is not None
    swallowed = [invite for invite in carrier.seen() if invite.call_id == result.call_id]
    assert len(swallowed) == 1  # the retransmission is the same INVITE
    assert swallowed[0].called == ECHO_NUMBER


def test_headers_are_remembered(pbx, carrier):
    result = pbx.call(
        plan(
            carrier,
            "+15550100486",
            caller_name="Ann",
            from_host="pbx.example",
            asserted_identity="sip:+15550008888@pbx.example",
            headers={"X-Trace": "42"},
        )
    )
    invite = seen_by(carrier, result.call_id)
    assert invite.caller == "+15550009999"
    assert invite.from_header.startswith('"Ann" <sip:+15550009999@pbx.example>')
    assert invite.asserted_identity == "<sip:+15550008888@pbx.example>"
    assert invite.x_headers == {"X-Trace": "42"}
    logged = [line for line in carrier.log() if line["event"] == "invite" and line["call_id"] == result.call_id]
    assert [line["x_headers"] for line in logged] == [{"X-Trace": "42"}]


def test_four_calls_at_once(carrier):
    with PbxProcess() as other:
        calls = [other.place_call(plan(carrier, ECHO_NUMBER, seconds=1.0)) for _ in range(4)]
        with pytest.raises(ControlError, match="4 calls at once"):
            other.place_call(plan(carrier, ECHO_NUMBER))
        results = [other.result(call, wait=10) for call in calls]
    assert [result.failure for result in results] == [None] * 4
    assert all(result.finished and result.media.tone.heard for result in results)
    assert other.returncode == 0


def test_origination_places_a_call(pbx, carrier):
    pbx.behave("answer", media="echo")
    result = carrier.call(
        CallPlan(to="sip:+15550110001@127.0.0.1", via=pbx.sip_uri, caller="+15550007777", media="tone:440", seconds=1.0)
    )
    assert result.media.tone.heard
    invite = seen_by(pbx, result.call_id)
    assert (invite.called, invite.caller, invite.ended_by) == ("+15550110001", "+15550007777", "caller")


def test_hang_up_all(pbx, carrier):
    call = pbx.place_call(plan(carrier, ECHO_NUMBER, seconds=None))
    pbx.wait_until(lambda: pbx.result(call).answered, "the answer")
    assert carrier.hang_up() == 1
    result = pbx.result(call, wait=5)
    assert (result.finished, result.ended_by) == (True, "callee")


def test_numbers_are_printed(capsys):
    assert main(["--numbers"]) == 0
    printed = capsys.readouterr().out
    assert all(listing.number in printed and listing.does in printed for listing in NUMBERS)
