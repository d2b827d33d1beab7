from __future__ import annotations

import pytest
from example_world import OWNED, invite

from trunkline.core.cause import Cause
from trunkline.core.refusal import Case, refuse_unread


@pytest.mark.parametrize(
    ("cause", "status", "error"),
    [
        (Cause.PLATFORM_BUG, 500, "20500 Internal error"),
        (Cause.DRAINING, 503, "20503 This edge takes no new calls"),
    ],
)
def test_refuse_unread(cause, status, error):
    answer = refuse_unread(cause, invite("acl"))
    assert (answer.cause, answer.sip_status, answer.headers) == (cause, status, (("X-Twilio-Error", error),))
    assert (answer.called, answer.caller) == ("+442071234567", OWNED)


@pytest.mark.parametrize("ruri", ["", "rubbish", "sip:host", "@", "a@b"])
def test_refuse_unread_reads_anything(ruri):
    assert refuse_unread(Cause.PLATFORM_BUG, invite(ruri=ruri, from_header_uri=ruri)).sip_status == 500


def test_an_alert_needs_a_code():
    with pytest.raises(ValueError, match="no debugger code"):
        Case(invite()).alert(Cause.UNKNOWN_NUMBER)
