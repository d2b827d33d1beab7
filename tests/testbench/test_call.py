"""`trunkline call`: a real call, and the words for every way it can end."""

import pytest
from sip_doorman import CHALLENGE, Doorman

from trunkline.testbench.call import TrunkCall, explain, run_test_call
from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.result import (
    Answer,
    CallResult,
    MediaFigures,
    Timeline,
    call_result_from_json,
    to_json,
)
from trunkline.testbench.tone import ToneReading

HEARD = ToneReading(1000.0, 2.0, 2.0, 0.0, 0.98, -14.6)
SILENCE = ToneReading(1000.0, 2.0, 0.0, 2.0, 0.0, -120.0)


def result(sip_status=None, **fields):
    return CallResult("c1", "sip:+1@x", "127.0.0.1:5060;transport=udp", "+2", True, sip_status, "Reason", **fields)


def up(**media):
    return result(
        200,
        timeline=Timeline(answered=0.5, ended=3.0),
        ended_by="caller",
        media=MediaFigures(codec="PCMU/8000", rtp_sent=100, **media),
    )


@pytest.mark.parametrize(
    ("call", "ok", "words"),
    [
        (up(rtp_received=100, tone=HEARD), True, "1000 Hz tone came back"),
        (up(rtp_received=0, tone=SILENCE), False, "one-way audio"),
        (up(rtp_received=100, tone=SILENCE), False, "only silence"),
        (result(failure="Connection refused"), False, "No answer at all from 127.0.0.1:5060"),
        (result(answers=(Answer(0.1, 100, "Trying"),), failure="gone"), False, "Only 100 came"),
        (result(407), False, "none were given"),
        (
            result(407, credentials_sent=True, challenges=2),
            False,
            "again after the credentials were sent (2",
        ),
        (result(403, twilio_error="32201 Source 192.0.2.1 not in the ACL"), False, "without any challenge"),
        (result(403, credentials_sent=True), False, "after the credentials were sent"),
        (result(487, ended_by="caller"), False, "cancelled by us"),
        (result(486), False, "busy"),
        (result(599), False, "server failed"),
        (result(699), False, "callee refused"),
        (result(302), False, "redirect"),
    ],
)
def test_words(call, ok, words):
    report = explain(call, expect_tone=True)
    assert report.ok is ok
    assert words in " ".join(report.explanation)


def test_the_trunks_own_error_is_quoted():
    report = explain(result(403, twilio_error="32201 Source 192.0.2.1 not in the ACL"), expect_tone=True)
    assert report.explanation[-1] == "The trunk says: error 32201: Source 192.0.2.1 not in the ACL"


def test_a_refusal_with_its_reason_is_not_guessed_at():
    said = explain(result(403, credentials_sent=True, twilio_error="32202 Bad user credentials"), expect_tone=True)
    assert said.explanation == (
        "Refused with 403 Reason, after the credentials were sent.",
        "The trunk says: error 32202: Bad user credentials",
    )
    alone = explain(result(403), expect_tone=True).explanation
    assert len(alone) == 1
    assert "does not say why: look at the address it comes from" in alone[0]


def test_a_call_that_is_not_an_echo_need_not_return_the_tone():
    assert explain(up(rtp_received=100, tone=SILENCE), expect_tone=False).ok


def test_result_survives_json():
    call = up(rtp_received=100, tone=HEARD)
    assert call_result_from_json(to_json(call)) == call


def test_real_call(carrier):
    plan = CallPlan(to="sip:+15550100000@acme.pstn.twilio.com", via=carrier.sip_uri, seconds=0.8)
    report = run_test_call(TrunkCall(plan))
    assert report.ok
    assert report.to_json()["result"]["sip_status"] == 200


def test_real_refusal():
    with Doorman(lambda _: (407, "Proxy Authentication Required", CHALLENGE)) as door:
        plan = CallPlan(to="sip:+15550100000@acme.pstn.twilio.com", via=door.uri, username="ann", password="secret")
        report = run_test_call(TrunkCall(plan))
    assert not report.ok
    assert "refuses them" in report.explanation[0]
    assert "secret" not in str(report)
