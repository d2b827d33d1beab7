"""Answers tell a stranger nothing: neither which trunks exist, nor which users (status, headers, length, time)."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from live_node import LiveNode
from plain_sip import Credentials, PlainSip, Reply

pytestmark = pytest.mark.live

CALLED = "+15550100486"
ROUNDS = 120
APART_SECONDS = 0.0006
"""Most that two medians may differ: a look-up in the database takes 0.03 ms, a digest 0.01 ms. A network hides 1 ms."""


@dataclass
class Shape:
    """What an answer looks like, without what the sender sent itself."""

    status: int
    reason: str
    headers: tuple[str, ...]
    error: str
    length: int


def shape(reply: Reply, *own: str) -> Shape:
    error = reply.twilio_error or ""
    size = sum(len(name) + len(value) for name, value in reply.sip.headers)
    for text in own:
        size -= len(text) * error.count(text)
        error = error.replace(text, "X")
    return Shape(reply.status, reply.reason, reply.header_names, error, size)


def compared(ask: dict[str, Callable[[], tuple[Reply, tuple[str, ...]]]]) -> dict[str, tuple[Shape, float]]:
    """Each question in turn, many times: its answer's shape, and the median of its time."""
    shapes: dict[str, list[Shape]] = {name: [] for name in ask}
    times: dict[str, list[float]] = {name: [] for name in ask}
    for _ in range(ROUNDS):
        for name, question in ask.items():
            before = time.perf_counter()
            reply, own = question()
            times[name].append(time.perf_counter() - before)
            shapes[name].append(shape(reply, *own))
    for name in ask:
        assert all(one == shapes[name][0] for one in shapes[name]), f"{name} is not always answered alike"
    return {name: (shapes[name][0], statistics.median(times[name])) for name in ask}


def assert_alike(found: dict[str, tuple[Shape, float]]) -> None:
    shapes = [one for one, _ in found.values()]
    assert all(one == shapes[0] for one in shapes), found
    medians = [median for _, median in found.values()]
    assert max(medians) - min(medians) < APART_SECONDS + 0.15 * min(medians), found


def test_trunks_that_do_not_exist_answer_like_those_without_authentication(node: LiveNode) -> None:
    """A label that somebody has, and takes nobody in; one of the same length that nobody has."""
    trunk = node.make_trunk(credentials=False)
    label = trunk.domain_name.partition(".")[0]
    with PlainSip(node.host, node.sip_port) as sip:

        def ask(domain: str) -> tuple[Reply, tuple[str, ...]]:
            return sip.invite(f"sip:{CALLED}@{domain}"), (domain,)

        def nobody() -> tuple[Reply, tuple[str, ...]]:
            return ask(f"t{secrets.token_hex((len(label) - 1) // 2)}.pstn.twilio.com")

        assert_alike(compared({"there": lambda: ask(trunk.domain_name), "not there": nobody}))


def test_users_that_do_not_exist_answer_like_a_wrong_password(node: LiveNode) -> None:
    trunk = node.make_trunk()
    with PlainSip(node.host, node.sip_port) as sip:

        def ask(username: str) -> tuple[Reply, tuple[str, ...]]:
            uri = f"sip:{CALLED}@{trunk.domain_name}"
            return sip.invite(uri, credentials=Credentials(username, "Wrong1Password")), (username,)

        def nobody() -> tuple[Reply, tuple[str, ...]]:
            return ask("u" + secrets.token_hex((len(trunk.username) - 1) // 2))

        assert_alike(compared({"there": lambda: ask(trunk.username), "not there": nobody}))


def test_register_and_options_answer_alike_for_every_host(node: LiveNode) -> None:
    trunk = node.make_trunk()
    nobody = f"t{secrets.token_hex(5)}.pstn.twilio.com"
    with PlainSip(node.host, node.sip_port) as sip:
        for question in (lambda domain: sip.register(domain, "alice"), lambda domain: sip.options(f"sip:{domain}")):
            answers = [shape(question(domain), domain) for domain in (trunk.domain_name, nobody)]
            assert answers[0] == answers[1]
