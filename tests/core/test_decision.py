from __future__ import annotations

import json
import sys
import time

import pytest
from example_world import Edge, invite, sid
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.decision import (
    Answer,
    PlanError,
    Target,
    advance,
    plan_from_json,
    plan_of,
    plan_to_json,
)

CALL = sid("CA", "call")


def plan():
    return plan_of(Edge().decide(invite("acl")), CALL)


def test_the_plan_of_a_relay():
    made = plan()
    assert (made.call_sid, made.n, made.best) == (CALL, 0, None)
    assert made.current.ruri.endswith("@192.0.2.10:5060;transport=udp")
    assert len(made.remaining) == 1


def test_it_advances_to_the_end():
    second = advance(plan(), Answer(500, "Boom"))
    assert (second.n, second.remaining, second.best) == (1, (), Answer(500, "Boom"))
    with pytest.raises(PlanError, match="no target remains"):
        advance(second, None)


def test_json_round_trip():
    for made in (plan(), advance(plan(), None), advance(plan(), Answer(404, 'Not "found"'))):
        assert plan_from_json(plan_to_json(made)) == made


texts = st.text(max_size=20)


@given(
    st.lists(
        st.tuples(
            texts,
            st.none() | texts,
            texts,
            st.sampled_from(["udp", "tcp", "tls"]),
            st.none() | texts,
            st.floats(1, 99),
            st.floats(1, 99),
            st.lists(st.tuples(texts, texts)).map(tuple),
        ),
        min_size=1,
        max_size=4,
    ),
    texts,
)
def test_json_round_trip_of_anything(rows, text):
    base = plan()
    targets = [Target(*row) for row in rows]
    made = type(base)(
        text, base.direction, text, text, text, text, "p", text, ((text, text),), 0, targets[0], tuple(targets[1:])
    )
    written = plan_to_json(made)
    assert written.isascii()
    assert "\n" not in written
    assert plan_from_json(written) == made


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", "[1]", "7", "[" * 5000, plan_to_json(plan())[:-1], "[1" + plan_to_json(plan())[2:]]
)
def test_what_is_no_plan(text):
    with pytest.raises(PlanError):
        plan_from_json(text)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=14), max_leaves=30
    )
)
def test_other_json_is_our_error(value):
    with pytest.raises(PlanError):
        plan_from_json(json.dumps(value))


def test_size_and_speed(capsys):
    made = plan()
    text = plan_to_json(made)
    assert len(text) < 700
    start = time.perf_counter()
    for _ in range(1000):
        plan_from_json(plan_to_json(made))
    each = (time.perf_counter() - start) / 1000
    with capsys.disabled():
        sys.stdout.write(f"\n  core: plan of {len(text)} bytes to JSON and back {each * 1e6:.1f} us")
