"""The book of calls: many processes, one count; after a crash, after a restart, when places are taken by ghosts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from trunkline.core.call_limits import CallLimits
from trunkline.core.sid import new_sid
from trunkline.engines.kamailio.call_book import CALLS_AT, LOOK_EVERY, SETS, SIZE, CallBook

NOW = 1_800_000_000.0
TRUNK, OTHER, ACCOUNT = (prefix + secrets.token_hex(16) for prefix in ("TK", "TK", "AC"))


def call() -> str:
    return new_sid("CA", secrets.token_bytes(16))


def limits(trunk: str = TRUNK, **changes: object) -> CallLimits:
    usual = CallLimits(trunk, ACCOUNT, 1000.0, 1000.0, 5, 8, 3600)
    return usual._replace(**changes)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[CallBook]:
    book = CallBook(tmp_path / "a book")
    yield book
    book.close()


def test_calls_of_trunk_and_account(book: CallBook) -> None:
    calls = [call() for _ in range(5)]
    assert [book.begin(sid, limits(), NOW) for sid in calls] == [None] * 5
    assert book.begin(call(), limits(), NOW) == "trunk_calls"
    assert [book.begin(call(), limits(OTHER), NOW) for _ in range(4)] == [None, None, None, "account_calls"]
    assert (book.calls_up(TRUNK), book.calls_up(OTHER), book.calls_up(ACCOUNT)) == (5, 3, 8)
    for _ in range(2):  # ended by the BYE, and by the recorder
        book.end(calls[0])
    assert (book.calls_up(TRUNK), book.calls_up(ACCOUNT)) == (4, 7)
    book.end(call())
    assert book.begin(call(), limits(), NOW) is None


def test_rates(book: CallBook) -> None:
    of = limits(trunk_cps=2.0, trunk_calls=100, account_calls=100)
    assert [book.begin(call(), of, NOW) for _ in range(3)] == [None, None, "trunk_cps"]
    assert book.begin(call(), of, NOW + 0.5) is None
    pooled = limits(OTHER, trunk_cps=100.0, account_cps=3.0, trunk_calls=100, account_calls=100)
    assert [book.begin(call(), pooled, NOW + 5) for _ in range(4)] == [None, None, None, "account_cps"]
    assert book.begin(call(), pooled._replace(account_cps=0.0), NOW + 5) is None, "origination has no rate"


def test_a_call_that_is_refused_for_its_account_takes_nothing_from_the_trunk(book: CallBook) -> None:
    of = limits(trunk_cps=1.0, account_calls=0)
    assert book.begin(call(), of, NOW) == "account_calls"
    assert book.begin(call(), of._replace(account_calls=9), NOW) is None


def test_emergency_calls_pass(book: CallBook) -> None:
    of = limits(trunk_cps=0.001, trunk_calls=0, account_calls=0, always=True)
    assert [book.begin(call(), of, NOW) for _ in range(3)] == [None] * 3
    assert book.calls_up(TRUNK) == 3


def test_what_must_be_over_gives_its_place_back(book: CallBook) -> None:
    for _ in range(5):
        assert book.begin(call(), limits(longest=10), NOW) is None
    assert book.begin(call(), limits(), NOW + 600) == "trunk_calls"
    assert book.begin(call(), limits(), NOW + 600 + LOOK_EVERY + 11) is None
    assert book.calls_up(TRUNK) == 1


def test_another_process_sees_the_same_and_a_restart_forgets_nothing(book: CallBook, tmp_path: Path) -> None:
    sid = call()
    book.begin(sid, limits(), NOW)
    book._memory[CALLS_AT + 5] = book._memory[CALLS_AT + 5]  # it is written through, not kept
    again = CallBook(tmp_path / "a book")
    again.recount(NOW)
    assert again.calls_up(TRUNK) == 1
    again.end(sid)
    assert book.calls_up(TRUNK) == 0
    again.close()


def test_a_count_that_a_killed_worker_left_wrong_is_put_right(book: CallBook) -> None:
    book.begin(call(), limits(), NOW)
    book._add(book._counter_of(TRUNK), 3)
    assert book.calls_up(TRUNK) == 4
    book.recount(NOW)
    assert (book.calls_up(TRUNK), book.calls_up(ACCOUNT)) == (1, 1)
    book.recount(NOW + 3600 + 700)
    assert book.calls_up(TRUNK) == 0


def test_a_file_that_is_none_of_ours_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "book").write_text("something else")
    book = CallBook(tmp_path / "book")
    assert book.begin(call(), limits(), NOW) is None
    book.close()
    assert (tmp_path / "book").stat().st_size == SIZE


def test_a_file_of_another_version_is_made_anew(book: CallBook, tmp_path: Path) -> None:
    assert book.begin(call(), limits(), NOW) is None
    file = os.open(tmp_path / "a book", os.O_RDWR)
    os.pwrite(file, b"trunkline calls2", 0)
    os.close(file)
    again = CallBook(tmp_path / "a book")
    assert again.calls_up(TRUNK) == 0
    again.close()


def test_calls_of_one_set_are_told_apart(book: CallBook) -> None:
    """Nine calls whose digits choose the same set: eight have places, and each is ended by its own name."""
    calls = [f"CA{n << 20:032x}" for n in range(1, 10)]
    assert len({int(sid[19:], 16) % SETS for sid in calls}) == 1
    of = limits(trunk_calls=100, account_calls=100)
    assert [book.begin(sid, of, NOW) for sid in calls] == [None] * 9
    assert book.calls_up(TRUNK) == 8, "the ninth is not counted, and not refused"
    for left, sid in zip(range(7, -1, -1), reversed(calls[:8]), strict=True):
        book.end(calls[8])
        book.end(sid)
        assert (book.calls_up(TRUNK), book.calls_up(ACCOUNT)) == (left, left)


def test_counters_of_one_set_are_told_apart(book: CallBook) -> None:
    """By all their digits: of nine trunks in one set eight can be counted, some with the same last digits."""
    trunks = [f"TK{n:016x}{(n // 2) << 20:016x}" for n in range(2, 11)]
    for of in trunks:
        assert book.begin(call(), limits(of, account_calls=100), NOW) is None
    assert [book.calls_up(of) for of in trunks] == [1] * 8 + [0]


def test_a_call_moves_from_carrier_to_carrier(book: CallBook) -> None:
    first, second = ("CX" + secrets.token_hex(16) for _ in range(2))
    sid, other = call(), call()
    for one in (sid, other):
        assert book.begin(one, limits(), NOW) is None
    assert book.place_at(sid, first, None, 1, NOW)
    assert book.place_at(sid, first, None, 1, NOW), "it is there already"
    assert not book.place_at(other, first, None, 1, NOW)
    assert book.place_at(sid, second, 1.0, 5, NOW)
    assert not book.place_at(other, second, 1.0, 5, NOW), "one a second"
    assert (book.calls_up(first), book.calls_up(second)) == (0, 1)
    book.recount(NOW)
    assert [book.calls_up(of) for of in (first, second, TRUNK, ACCOUNT)] == [0, 1, 2, 2]
    assert book.place_at(sid, None, None, None, NOW)
    assert book.calls_up(second) == 0
    assert book.place_at(call(), first, None, 0, NOW), "a call that is not counted is not refused"
    book.end(sid)
    assert [book.calls_up(of) for of in (second, TRUNK, ACCOUNT)] == [0, 1, 1]


@pytest.mark.parametrize("written", range(4))
def test_a_worker_killed_while_a_call_begins_leaves_nobodys_place_or_a_count_that_is_put_right(
    book: CallBook, written: int
) -> None:
    """What `_begin` writes, up to each of its steps."""
    book.begin(call(), limits(), NOW)
    numbers, trunk = book._numbers, book._counter_of(TRUNK)
    place = CALLS_AT + 77 % SETS * 32
    for at, value in ((place + 1, trunk), (place + 2, int(NOW) + 9), (place, 77))[:written]:
        numbers[at] = value
    book.recount(NOW)
    assert book.calls_up(TRUNK) == (2 if written == 3 else 1)
    book.recount(NOW + 10)
    assert book.calls_up(TRUNK) == 1


def _hammer(path: Path) -> tuple[int, int]:
    """As a SIP worker: begins and ends calls; how many passed, and how many were too many at that moment."""
    book = CallBook(path)
    passed = seen_too_many = 0
    for _ in range(1500):
        sid = call()
        if book.begin(sid, limits(trunk_calls=3, account_calls=100, trunk_cps=1e6, account_cps=1e6), NOW) is None:
            passed += 1
            seen_too_many += book.calls_up(TRUNK) > 3
            book.end(sid)
    book.close()
    return passed, seen_too_many


def test_many_workers_never_let_too_many_pass(tmp_path: Path) -> None:
    path = tmp_path / "book"
    CallBook(path).close()
    with ProcessPoolExecutor(5, mp_context=get_context("spawn")) as workers:
        results = list(workers.map(_hammer, [path] * 5))
    assert sum(passed for passed, _ in results) > 1500
    assert sum(too_many for _, too_many in results) == 0
    book = CallBook(path)
    assert book.calls_up(TRUNK) == 0
    book.close()
