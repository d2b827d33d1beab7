"""Failover, read as ladders: what each attempt ended with, what the caller gets, and how many attempts there were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trunkline.core.cause import Cause
from trunkline.core.decision import ORIGINATION, TERMINATION, Answer
from trunkline.core.failover import Failure, Next, Stop, after_failure

SILENCE = Failure(408, "Request Timeout", local=True)
REFUSED = Failure(477, "Unfortunately error on sending to next hop occurred", local=True)
STALLED = Failure(408, "Request Timeout", local=True, replied=True)
UNANSWERED = Failure(408, "Request Timeout", local=True, replied=True, ringing=True)
CANCELED = Failure(487, "Request Terminated", replied=True, ringing=True, canceled=True)


def got(status, reason="Reason", **facts):
    return Failure(status, reason, replied=True, **facts)


def ladder(direction, *failures, targets=4):
    """Run attempts until the verdict is to stop: the number of attempts made, and the Stop."""
    best = None
    for n, failure in enumerate(failures):
        verdict = after_failure(failure, direction, targets - n - 1, best)
        if isinstance(verdict, Stop):
            assert n == len(failures) - 1, f"stopped at attempt {n} already: {verdict}"
            return n + 1, verdict
        best = verdict.best
    raise AssertionError(f"still hunting after {len(failures)} attempts: {verdict}")


STOPS_TERMINATION = [
    404,
    410,
    415,
    480,
    484,
    485,
    486,
    487,
    488,
    400,
    402,
    405,
    416,
    420,
    481,
    482,
    483,
    491,
    600,
    603,
    604,
    606,
    607,
    608,
]
NEXTS_TERMINATION = [401, 403, 407, 408, 500, 501, 502, 503, 504, 513, 580]
STOPS_ORIGINATION = [400, 404, 405, 410, 416, 482, 484, 486, 487, 600, 603, 604, 606, 607, 608]
NEXTS_ORIGINATION = [300, 302, 401, 403, 407, 408, 415, 480, 483, 485, 488, 491, 500, 502, 503, 504]


@pytest.mark.parametrize("status", STOPS_TERMINATION)
def test_termination_stops_and_passes_the_callees_word_on(status):
    attempts, stop = ladder(TERMINATION, got(status, "Said so"))
    assert (attempts, stop.status, stop.reason, stop.cause) == (1, status, "Said so", None)


@pytest.mark.parametrize("status", NEXTS_TERMINATION)
def test_termination_tries_the_next(status):
    verdict = after_failure(got(status), TERMINATION, 1, None)
    assert isinstance(verdict, Next)
    assert verdict.attempt_cause is None
    assert str(status) in verdict.why


@pytest.mark.parametrize("status", STOPS_ORIGINATION)
def test_origination_stops(status):
    attempts, stop = ladder(ORIGINATION, got(status, "Said so"))
    assert (attempts, stop.status, stop.cause, stop.attempt_cause) == (1, status, None, None)


@pytest.mark.parametrize("status", NEXTS_ORIGINATION)
def test_origination_tries_the_next_and_each_failure_is_an_alert(status):
    verdict = after_failure(got(status), ORIGINATION, 1, None)
    assert isinstance(verdict, Next)
    assert verdict.attempt_cause is Cause.ORIGINATION_ATTEMPT_FAILED
    assert str(status) in verdict.why


@pytest.mark.parametrize("direction", [TERMINATION, ORIGINATION])
@pytest.mark.parametrize("failure", [SILENCE, REFUSED, Failure(500, "DNS", local=True), Failure(478, local=True)])
def test_what_nobody_answered_is_tried_elsewhere(direction, failure):
    assert isinstance(after_failure(failure, direction, 1, None), Next)


@pytest.mark.parametrize("direction", [TERMINATION, ORIGINATION])
@pytest.mark.parametrize("failure", [UNANSWERED, STALLED, got(408, ringing=True)])
def test_a_phone_that_rang_is_not_rung_again(direction, failure):
    attempts, stop = ladder(direction, failure)
    assert (attempts, stop.status) == (1, 408)


@pytest.mark.parametrize("direction", [TERMINATION, ORIGINATION])
@pytest.mark.parametrize(
    "failure", [got(503, early_media=True), got(480, early_media=True), Failure(408, local=True, early_media=True)]
)
def test_after_early_media_the_hunt_is_over(direction, failure):
    verdict = after_failure(failure, direction, 3, None)
    assert isinstance(verdict, Stop)
    assert "early media" in verdict.why


@pytest.mark.parametrize("direction", [TERMINATION, ORIGINATION])
def test_the_caller_gave_up(direction):
    attempts, stop = ladder(direction, SILENCE, CANCELED)
    assert (attempts, stop.status, stop.reason, stop.cause) == (2, 487, "Request Terminated", None)


def test_all_carriers_dead():
    attempts, stop = ladder(TERMINATION, SILENCE, REFUSED, SILENCE, targets=3)
    assert (attempts, stop.status, stop.reason, stop.cause) == (
        3,
        503,
        "No Carrier Available",
        Cause.CARRIERS_EXHAUSTED,
    )
    assert stop.attempt_cause is None
    assert stop.why == "nothing came back in time; no target is left"


@pytest.mark.parametrize(
    ("failures", "status"),
    [
        ([got(503), got(503)], 503),
        ([got(401), got(403), got(407)], 503),
        ([got(500, "Boom"), got(503)], 500),
        ([got(503), got(504)], 504),
        ([SILENCE, got(408)], 408),
        ([got(408), got(500)], 408),
        ([got(500), got(408)], 408),
        ([got(502), SILENCE], 502),
    ],
)
def test_the_best_answer_of_a_termination_that_found_nobody(failures, status):
    attempts, stop = ladder(TERMINATION, *failures, targets=len(failures))
    assert (attempts, stop.status, stop.cause) == (len(failures), status, Cause.CARRIERS_EXHAUSTED)


@pytest.mark.parametrize(
    ("failures", "status"),
    [
        ([SILENCE, SILENCE], 480),
        ([got(401), got(407)], 480),
        ([got(302)], 480),
        ([got(503)], 480),
        ([got(403)], 480),
        ([got(488), got(500)], 488),
        ([got(500), REFUSED], 500),
    ],
)
def test_the_best_answer_of_an_origination_that_found_nobody(failures, status):
    attempts, stop = ladder(ORIGINATION, *failures, targets=len(failures))
    assert (attempts, stop.status, stop.cause) == (len(failures), status, Cause.ORIGINATION_EXHAUSTED)
    assert stop.attempt_cause is Cause.ORIGINATION_ATTEMPT_FAILED


HANGS = replace(STALLED, progressed=False)
"""100 and nothing more, for as long as it may take."""


@pytest.mark.parametrize("direction", [TERMINATION, ORIGINATION])
def test_what_says_100_and_nothing_more_is_left_for_the_next(direction):
    attempts, stop = ladder(direction, HANGS, got(486, "Busy Here"), targets=2)
    assert (attempts, stop.status, stop.cause) == (2, 486, None)


@pytest.mark.parametrize("before", [[], [HANGS], [got(500)], [SILENCE]])
def test_the_last_carrier_that_hangs_is_the_post_dial_delay(before):
    attempts, stop = ladder(TERMINATION, *before, HANGS, targets=len(before) + 1)
    assert (attempts, stop.status, stop.cause) == (len(before) + 1, 408, Cause.PDD_TIMEOUT)
    assert stop.why == "100 came back, and then nothing in time; no target is left"


def test_no_time_is_left_for_another_carrier():
    stop = after_failure(HANGS, TERMINATION, 3, None, time_is_up=True)
    assert isinstance(stop, Stop)
    assert (stop.status, stop.cause) == (408, Cause.PDD_TIMEOUT)
    assert stop.why.endswith("the time for the setup is used up")


def test_the_last_pbx_that_hangs_is_one_that_could_not_be_talked_to():
    attempts, stop = ladder(ORIGINATION, HANGS, targets=1)
    assert (attempts, stop.status, stop.cause) == (1, 480, Cause.ORIGINATION_EXHAUSTED)
    assert stop.attempt_cause is Cause.ORIGINATION_ATTEMPT_FAILED


@pytest.mark.parametrize(
    "failure",
    [
        replace(got(503), progressed=False),
        replace(SILENCE, progressed=False),
        replace(HANGS, early_media=True),
        replace(HANGS, canceled=True),
    ],
)
def test_what_is_no_post_dial_delay(failure):
    stop = after_failure(failure, TERMINATION, 0, None)
    assert isinstance(stop, Stop)
    assert stop.cause is not Cause.PDD_TIMEOUT


def test_first_origination_url_dead_second_busy():
    attempts, stop = ladder(ORIGINATION, SILENCE, got(486, "Busy Here"), targets=2)
    assert (attempts, stop.status, stop.reason, stop.cause) == (2, 486, "Busy Here", None)


def test_a_callees_word_beats_what_came_before():
    attempts, stop = ladder(TERMINATION, got(500), got(486, "Busy Here"), targets=4)
    assert (attempts, stop.status) == (2, 486)


def test_a_carriers_redirect_is_not_followed_nor_passed_on():
    attempts, stop = ladder(TERMINATION, got(302))
    assert (attempts, stop.status, stop.reason) == (1, 502, "Bad Gateway")


@pytest.mark.parametrize(
    ("direction", "status", "final"),
    [
        (TERMINATION, 401, 503),
        (TERMINATION, 503, 503),
        (ORIGINATION, 407, 480),
        (ORIGINATION, 503, 480),
        (TERMINATION, 302, 502),
        (TERMINATION, 700, 502),
    ],
)
def test_after_early_media_too_the_caller_never_gets_what_was_meant_for_us(direction, status, final):
    stop = after_failure(got(status, early_media=True), direction, 1, None)
    assert stop.status == final


def test_an_empty_reason_is_filled():
    assert ladder(TERMINATION, got(486, ""))[1].reason == "Failed"


def test_the_best_answer_travels_in_the_verdict():
    assert after_failure(got(500, "Boom"), TERMINATION, 2, None).best == Answer(500, "Boom")
    assert after_failure(SILENCE, TERMINATION, 2, Answer(500, "Boom")).best == Answer(500, "Boom")


@pytest.mark.parametrize("direction", [TERMINATION, ORIGINATION])
def test_every_status_has_a_verdict_and_never_a_redirect_or_challenge_for_the_caller(direction):
    for status in range(300, 700):
        for remaining in (0, 1):
            verdict = after_failure(got(status), direction, remaining, None)
            if isinstance(verdict, Stop):
                assert verdict.status not in (401, 407), status
                assert 400 <= verdict.status < 700, status
            else:
                assert remaining, status


@pytest.mark.parametrize("status", [415, 488, 606])
def test_an_offer_that_no_network_takes(status):
    refused = got(status, no_common_codec=True)
    stop = after_failure(refused, TERMINATION, 3, None)
    assert isinstance(stop, Stop)
    assert (stop.status, stop.cause) == (488, Cause.NO_COMMON_CODEC)
    # The customer's PBX is not to blame for what a carrier offers.
    assert getattr(after_failure(refused, ORIGINATION, 0, None), "cause", None) is not Cause.NO_COMMON_CODEC
    assert after_failure(got(486, no_common_codec=True), TERMINATION, 3, None).cause is None


@pytest.mark.parametrize("direction", [TERMINATION, ORIGINATION])
def test_without_a_media_relay_no_other_target_is_tried(direction):
    stop = after_failure(Failure(503, "no media relay", local=True, no_media_relay=True), direction, 3, None)
    assert isinstance(stop, Stop)
    assert (stop.status, stop.cause, stop.attempt_cause) == (503, Cause.NO_MEDIA_RELAY, None)
