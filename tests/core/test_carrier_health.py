"""When a carrier target is down and up again, and how a registration goes on."""

from __future__ import annotations

from trunkline.core.carrier_health import TargetHealth
from trunkline.core.carrier_registration import REFRESH_AT, RETRY_SECONDS, Registration, granted_seconds


def test_down_after_so_many_misses_and_back_by_itself() -> None:
    health = TargetHealth()
    assert health.note(200, "OK", 3, 1.0) is None, "the first answer is no news"
    assert [health.note(408, "Request Timeout", 3, at) for at in (2.0, 3.0, 4.0, 5.0)] == [None, None, "down", None]
    assert (health.state, health.since, health.misses, health.answer) == ("down", 4.0, 4, "408 Request Timeout")
    assert health.note(404, "Not Found", 3, 6.0) == "up", "any answer says that somebody is there"
    assert [health.note(503, "", 3, 7.0), health.note(503, "", 3, 8.0)] == [None, None]
    assert health.note(200, "OK", 3, 9.0) is None
    assert (health.state, health.misses) == ("up", 0)


def test_a_target_that_never_answered_is_down_too() -> None:
    health = TargetHealth()
    assert [health.note(408, "", 2, 1.0), health.note(477, "", 2, 2.0)] == [None, "down"]


def test_a_registration_that_goes_well() -> None:
    one = Registration(300)
    assert one.note(401, "Unauthorized", None, None, 1.0) == "authorize"
    one.authorized = True
    assert one.note(200, "OK", 120, None, 2.0) == "wait"
    assert (one.state, one.until, one.next_at) == ("registered", 122.0, 2.0 + 120 * REFRESH_AT)


def test_what_a_registrar_may_say_else() -> None:
    one = Registration(60)
    assert one.note(423, "Interval Too Brief", None, 900, 1.0) == "wait"
    assert (one.expires, one.next_at, one.state) == (900, 1.0, "trying")
    one.authorized = True
    assert one.note(401, "Unauthorized", None, None, 2.0) == "wait", "the credentials are wrong"
    assert (one.state, one.next_at) == ("failed", 2.0 + RETRY_SECONDS)
    one.note(200, "OK", None, None, 40.0)
    assert one.until == 940.0
    one.note(408, "Request Timeout", None, None, 700.0)
    assert one.state == "registered", "the registrar keeps us until it has forgotten us"
    one.note(503, "", None, None, 950.0)
    assert one.state == "failed"
    one.note(200, "OK", None, None, 960.0)
    one.note(403, "Forbidden", None, None, 970.0)
    assert one.state == "failed", "it has taken us out"


def test_what_was_granted() -> None:
    contacts = ["<sip:other@192.0.2.9>;expires=9", "<sip:CX1@192.0.2.1:5060>;q=0.5;Expires=77"]
    assert granted_seconds(contacts, "CX1", "300") == 77
    assert granted_seconds(contacts[:1], "CX1", "300") == 300
    assert granted_seconds([], "CX1", "") is None
