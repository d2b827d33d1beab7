"""The sums of the token bucket, and which cause a limit gives a call."""

from __future__ import annotations

import pytest
from example_world import ACCOUNT, CALLED, CARRIER_SOURCE, DID, NOW, POLICY, Edge, invite, sid
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call_limits import CallLimits, after_one_more
from trunkline.core.cause import Cause
from trunkline.core.decision import Reject, Relay
from trunkline.core.route import decide


def passed(cps: float, times: list[float]) -> list[bool]:
    full_at, answers = 0.0, []
    for now in times:
        after = after_one_more(full_at, cps, now)
        answers.append(after is not None)
        full_at = full_at if after is None else after
    return answers


def test_a_second_s_worth_at_once_and_then_the_rate():
    assert passed(3, [NOW] * 5) == [True] * 3 + [False] * 2
    assert passed(2, [NOW, NOW, NOW, NOW + 0.5, NOW + 0.6, NOW + 1.0]) == [True, True, False, True, False, True]


def test_less_than_one_a_second():
    assert passed(0.1, [NOW, NOW + 5, NOW + 9.9, NOW + 10, NOW + 15]) == [True, False, False, True, False]


def test_a_clock_set_back_does_not_close_the_trunk():
    assert passed(1, [NOW, NOW, NOW - 3600, NOW - 3600]) == [True, False, True, False]


@given(st.floats(0.5, 200), st.lists(st.floats(0, 0.2), min_size=1, max_size=300))
def test_never_more_than_the_rate_and_a_second(cps, gaps):
    times, now = [], NOW
    for gap in gaps:
        now += gap
        times.append(now)
    count = sum(passed(cps, times))
    assert count <= cps * (times[-1] - times[0] + 1.0) + 1.01


class Counter:
    def __init__(self, exceeded=None):
        self.exceeded, self.asked = exceeded, []

    def begin(self, call_sid, limits, now):
        self.asked.append((call_sid, limits))
        return self.exceeded

    def end(self, call_sid):
        raise AssertionError("the edge ends calls")


def judged(request, counter, **changes):
    edge = Edge()
    for name, fields in changes.items():
        row = edge.routing.trunks[sid("TK", name)]
        edge.routing.trunks[sid("TK", name)] = row._replace(**fields)
    return decide(request, edge.routing, POLICY, NOW, edge.dice, edge.first_use, counter)


@pytest.mark.parametrize(
    ("exceeded", "cause", "words"),
    [
        ("trunk_cps", Cause.TRUNK_CPS_LIMIT, "More than 7 calls per second"),
        ("account_cps", Cause.ACCOUNT_CPS_LIMIT, "More than 1000 calls per second"),
        ("trunk_calls", Cause.TRUNK_CONCURRENT_LIMIT, "has 9 calls up"),
        ("account_calls", Cause.ACCOUNT_CONCURRENT_LIMIT, "have 20000 calls up together"),
    ],
)
def test_each_limit_has_its_cause(exceeded, cause, words):
    answer = judged(invite(), Counter(exceeded), acl={"cps": 7.0, "calls": 9})
    assert isinstance(answer, Reject)
    assert answer.cause is cause
    assert words in answer.explanation
    assert answer.called == CALLED


def test_only_a_call_that_would_go_out_counts():
    counter = Counter()
    for request in (invite("nobody"), invite("creds"), invite(called="12"), invite(called="+881612345678")):
        assert not isinstance(judged(request, counter), Relay)
    assert counter.asked == []
    assert isinstance(judged(invite(), counter, acl={"longest": 60}), Relay)
    assert counter.asked == [
        (sid("CA", "call"), CallLimits(sid("TK", "acl"), ACCOUNT, 1000.0, 1000.0, 20_000, 20_000, 60, False))
    ]


def test_origination_counts_and_has_no_rate():
    counter = Counter()
    request = invite(ruri=f"sip:{DID}@203.0.113.5", source_ip=CARRIER_SOURCE)
    assert isinstance(judged(request, counter), Relay)
    assert counter.asked[0][1].account_cps == 0.0
    answer = judged(request, Counter("trunk_calls"))
    assert isinstance(answer, Reject)
    assert (answer.cause, answer.direction) == (Cause.TRUNK_CONCURRENT_LIMIT, "trunking-originating")


def test_an_emergency_call_is_counted_and_never_refused():
    counter = Counter()
    assert isinstance(judged(invite(called="112"), counter, acl={"emergency": True}), Relay)
    assert counter.asked[0][1].always
