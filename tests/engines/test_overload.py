"""What waits in a socket, and how much of what begins is put off for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from trunkline.engines.kamailio.overload import (
    ALL_FROM,
    SOME_FROM,
    Overload,
    memory,
    percent_put_off,
    udp_sockets,
)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        yield one


def fill(listening: socket.socket, messages: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(messages):
            sender.sendto(bytes(1000), listening.getsockname())


def empty(listening: socket.socket, messages: int) -> None:
    for _ in range(messages):
        listening.recv(2000)


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_the_more_waits_the_more_is_put_off(workers: int) -> None:
    asked = [0, SOME_FROM, (SOME_FROM + ALL_FROM) // 2, ALL_FROM, 10 * ALL_FROM]
    assert [percent_put_off(waiting * workers, 1 << 30, workers) for waiting in asked] == [0, 0, 50, 100, 100]


def test_a_small_socket_is_full_sooner() -> None:
    room = 400_000
    asked = [0, room // 16, room // 2, room * 3 // 4]
    assert [percent_put_off(waiting, room, 16) for waiting in asked] == [0, 0, 61, 100]


def test_the_sockets_of_a_port_are_found(listening: socket.socket) -> None:
    (found,) = udp_sockets(listening.getsockname()[1])
    with found:
        assert found.fileno() != listening.fileno()
        assert memory(found)[0] == 0
        fill(listening, 50)
        assert 50_000 < memory(found)[0] < min(50 * 4096, memory(found)[1])
        empty(listening, 50)
        assert memory(found)[0] == 0


class Ksr:
    """As far as it is asked."""

    def __init__(self) -> None:
        self.pv = self
        self.told: list[int] = []

    def seti(self, name: str, value: int) -> None:
        assert name == "$shv(busy)"
        self.told.append(value)


def test_only_a_change_is_told(listening: socket.socket) -> None:
    ksr = Ksr()
    overload = Overload(ksr, listening.getsockname()[1], 1, lambda: pytest.fail("a bug"))
    for _ in range(3):
        overload.look(None)
    assert ksr.told == []
    fill(listening, 40)
    overload.look(None)
    overload.look(None)
    (percentage,) = ksr.told
    assert 0 < percentage < 100
    empty(listening, 40)
    overload.look(None)
    assert ksr.told == [percentage, 0]


def test_a_bug_is_logged_and_calls_go_on(listening: socket.socket) -> None:
    bugs: list[int] = []
    fill(listening, 40)
    overload = Overload(object(), listening.getsockname()[1], 1, lambda: bugs.append(1))
    assert overload.look(None) == 1
    assert bugs == [1]
