from __future__ import annotations

import pytest
from example_world import FOREIGN_ID, OWNED, PBX, STRANGER, VERIFIED, Edge, invite

from trunkline.core.caller_id import asserted_number, user_and_host
from trunkline.core.cause import Cause
from trunkline.core.decision import Reject, Relay

ANONYMOUS = "sip:anonymous@anonymous.invalid"


@pytest.mark.parametrize(
    ("from_uri", "pai", "rpid", "caller", "replaced"),
    [
        (f"sip:{OWNED}@pbx", None, None, OWNED, None),
        (f"sip:{VERIFIED}@pbx", None, None, VERIFIED, None),
        (f"tel:{OWNED}", None, None, OWNED, None),
        (f"sip:{OWNED}@pbx", f"<sip:{FOREIGN_ID}@pbx>", None, OWNED, None),
        ("sip:100@pbx", f"<sip:{OWNED}@pbx>", None, OWNED, OWNED),
        ("sip:asterisk@pbx", f'"Ann" <tel:{VERIFIED}>', None, VERIFIED, VERIFIED),
        (ANONYMOUS, f"<sip:{OWNED}@pbx>", None, OWNED, None),
        ("sip:Anonymous@pbx", None, f"<sip:{OWNED}@pbx>;party=calling;privacy=full", OWNED, None),
        ("sip:100@pbx", "<sip:100@pbx>", f"<sip:{OWNED}@pbx>", OWNED, OWNED),
        ("sip:100@pbx", "rubbish <", f"<sip:{OWNED}@pbx>", OWNED, OWNED),
        ("", f"<sip:{OWNED}@pbx>", None, OWNED, OWNED),
    ],
)
def test_presented(from_uri, pai, rpid, caller, replaced):
    relay = Edge().decide(invite(from_header_uri=from_uri, p_asserted_identity=pai, remote_party_id=rpid))
    assert isinstance(relay, Relay)
    assert (relay.caller, relay.replace_caller_id, relay.alerts) == (caller, replaced, ())


@pytest.mark.parametrize(
    ("from_uri", "pai", "cause", "code", "text"),
    [
        (
            f"sip:{FOREIGN_ID}@pbx",
            None,
            Cause.CALLER_ID_NOT_OWNED,
            32204,
            f"Invalid Caller ID: {FOREIGN_ID} is neither a number nor a verified caller ID of the account",
        ),
        (f"sip:{FOREIGN_ID}@pbx", f"<sip:{OWNED}@pbx>", Cause.CALLER_ID_NOT_OWNED, 32204, None),
        ("sip:100@pbx", f"<sip:{FOREIGN_ID}@pbx>", Cause.CALLER_ID_NOT_OWNED, 32204, None),
        ("sip:100@pbx", None, Cause.CALLER_ID_INVALID, 32206, "Invalid Caller ID: 100 is not +E.164"),
        (ANONYMOUS, None, Cause.CALLER_ID_INVALID, 32206, None),
        ("rubbish", None, Cause.CALLER_ID_INVALID, 32206, "Invalid Caller ID: empty is not +E.164"),
    ],
)
def test_refused(from_uri, pai, cause, code, text):
    answer = Edge().decide(invite(from_header_uri=from_uri, p_asserted_identity=pai))
    assert isinstance(answer, Reject)
    assert (answer.cause, answer.sip_status, answer.error_code) == (cause, 403, code)
    assert text is None or answer.text == text


def test_the_alert_guesses_what_was_meant():
    answer = Edge().decide(invite(from_header_uri=f"sip:{OWNED[1:]}@pbx"))
    assert isinstance(answer, Reject)
    assert answer.explanation.endswith(f"Did you mean {OWNED}?")


class TestReplacing:
    """A trunk with `caller_id_policy` replace and the default caller ID OWNED."""

    def call(self, edge, from_uri):
        return edge.call(invite("replacing", from_header_uri=from_uri, source_ip=STRANGER), "repl")

    @pytest.mark.parametrize("from_uri", [f"sip:{FOREIGN_ID}@pbx", "sip:100@pbx", ANONYMOUS])
    def test_the_default_takes_the_place(self, from_uri):
        relay = self.call(Edge(), from_uri)
        assert isinstance(relay, Relay)
        assert (relay.caller, relay.replace_caller_id) == (OWNED, OWNED)
        (alert,) = relay.alerts
        assert (alert.cause, alert.code, alert.level) == (Cause.CALLER_ID_REPLACED, 32204, "warning")
        assert OWNED in alert.text

    def test_an_own_number_stays(self):
        relay = self.call(Edge(), f"sip:{VERIFIED}@pbx")
        assert isinstance(relay, Relay)
        assert (relay.caller, relay.replace_caller_id, relay.alerts) == (VERIFIED, None, ())

    def test_a_default_that_is_no_longer_the_accounts_own_is_not_used(self):
        edge = Edge()
        del edge.routing.numbers[OWNED]
        answer = self.call(edge, f"sip:{FOREIGN_ID}@pbx")
        assert isinstance(answer, Reject)
        assert (answer.cause, answer.caller) == (Cause.CALLER_ID_NOT_OWNED, FOREIGN_ID)


def test_readers_of_headers_never_raise():
    assert user_and_host("\x00") == ("", "")
    assert user_and_host(f"sip:a@{PBX}") == ("a", PBX)
    assert asserted_number(invite(p_asserted_identity="<", remote_party_id="\x00")) is None
