"""Which messages belong to which side of a call, and what they mean."""

from trunkline.testbench.signalling import Signalling
from trunkline.testbench.sip_text import parse_sip
from trunkline.testbench.trace import WireMessage


def message(at, sent, start, method, from_tag="caller", headers=""):
    text = f"{start}\r\nCall-ID: c1\r\nFrom: <sip:a@x>;tag={from_tag}\r\nCSeq: 1 {method}\r\n{headers}\r\n"
    return WireMessage(at, sent, "udp", "127.0.0.1:5060", parse_sip(text))


def told(caller, *messages):
    signalling = Signalling("c1", caller=caller, caller_tag="" if caller else "caller")
    for each in messages:
        signalling.take(each)
    return signalling


def test_answered_call_ended_by_the_callee():
    result = told(
        True,
        message(10.0, True, "INVITE sip:b@x SIP/2.0", "INVITE"),
        message(10.1, False, "SIP/2.0 100 Trying", "INVITE"),
        message(10.2, False, "SIP/2.0 180 Ringing", "INVITE"),
        message(11.0, False, "SIP/2.0 200 OK", "INVITE"),
        message(14.0, False, "BYE sip:a@x SIP/2.0", "BYE", from_tag="callee", headers="Reason: Q.850;cause=16\r\n"),
        message(14.0, True, "SIP/2.0 200 OK", "BYE", from_tag="callee"),
    )
    line = result.timeline()
    assert (line.trying, line.ringing, line.answered, line.ended) == (0.1, 0.2, 1.0, 4.0)
    assert (result.ended_by, result.reason_header, result.settled) == ("callee", "Q.850;cause=16", True)


def test_cancel_is_the_callers_and_487_does_not_change_that():
    result = told(
        True,
        message(10.0, True, "INVITE sip:b@x SIP/2.0", "INVITE"),
        message(12.0, True, "CANCEL sip:b@x SIP/2.0", "CANCEL"),
        message(12.1, False, "SIP/2.0 200 OK", "CANCEL"),
        message(12.2, False, "SIP/2.0 487 Request Terminated", "INVITE"),
    )
    assert (result.ended_by, result.sip_status, result.timeline().ended) == ("caller", 487, 2.0)


def test_a_retransmitted_challenge_counts_once():
    challenge = message(10.1, False, "SIP/2.0 407 Proxy Authentication Required", "INVITE")
    result = told(True, message(10.0, True, "INVITE sip:b@x SIP/2.0", "INVITE"), challenge, challenge)
    assert (result.challenges, result.ended_by) == (1, None)
    result.no_retry()
    assert (result.ended_by, result.settled) == ("callee", True)


def test_both_sides_of_a_call_that_crosses_one_agent_twice():
    """Same Call-ID, same From tag: the placed side sends the INVITE, the received side receives it."""
    messages = [
        message(10.0, True, "INVITE sip:b@x SIP/2.0", "INVITE"),
        message(10.1, False, "INVITE sip:b@x SIP/2.0", "INVITE"),
        message(10.2, True, "SIP/2.0 486 Busy Here", "INVITE"),
        message(10.4, False, "SIP/2.0 503 Service Unavailable", "INVITE"),
    ]
    assert told(True, *messages).sip_status == 503
    assert told(False, *messages).sip_status == 486


def test_a_cancelled_call_with_credentials_waits_for_its_487():
    result = told(
        True,
        message(10.0, True, "INVITE sip:b@x SIP/2.0", "INVITE"),
        message(10.1, False, "SIP/2.0 407 Proxy Authentication Required", "INVITE"),
        message(10.1, True, "INVITE sip:b@x SIP/2.0", "INVITE", headers="Proxy-Authorization: Digest x\r\n"),
        message(10.2, False, "SIP/2.0 180 Ringing", "INVITE"),
        message(12.0, True, "CANCEL sip:b@x SIP/2.0", "CANCEL"),
    )
    result.no_retry()  # PJSIP counts the call as over once it has sent CANCEL
    assert (result.ended_by, result.settled) == ("caller", False)
    result.take(message(12.1, False, "SIP/2.0 487 Request Terminated", "INVITE"))
    assert (result.sip_status, result.ended_by, result.settled) == (487, "caller", True)
