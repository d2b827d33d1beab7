"""The file of registrations: many writers, none of which waits long, and nothing that breaks for good."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from trunkline.core.registration import MOST_CONTACTS, Contact, Register, register
from trunkline.engines.kamailio.registrations import Registrations
from trunkline.engines.kamailio.routing import RoutingDb

NOW = 1_800_000_000.0
TRUNK, OTHER = "TK" + "1" * 32, "TK" + "2" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registrations.db"


def put(registrations: Registrations, uri: str, trunk: str = TRUNK, now: float = NOW, expires: int = 60) -> None:
    request = Register(f"<{uri}>", str(expires), uri, 1 + int(now - NOW), "192.0.2.1", 5060, "udp")
    answer = registrations.change(trunk, now, lambda before: register(request, trunk, before, now))
    assert answer.status == 200


def uris(rows: object) -> list[str]:
    return [row.uri for row in rows]  # type: ignore[attr-defined]


def test_nobody_registered_makes_no_file(path: Path) -> None:
    registrations = Registrations(path)
    assert (registrations.contacts(TRUNK, NOW), registrations.all(NOW), registrations.take_expired(NOW)) == ((), [], [])
    assert not path.exists()


def test_what_one_writes_another_reads(path: Path) -> None:
    put(Registrations(path), "sip:a@192.0.2.1")
    put(Registrations(path), "sip:b@192.0.2.1", OTHER)
    reader = Registrations(path)
    (row,) = reader.contacts(TRUNK, NOW)
    assert row == Contact(
        TRUNK, "sip:a@192.0.2.1", 1.0, "192.0.2.1", 5060, "udp", NOW + 60, NOW, "sip:a@192.0.2.1", 1, "", ""
    )
    assert uris(reader.all(NOW)) == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_has_expired_is_told_once(path: Path) -> None:
    registrations = Registrations(path)
    put(registrations, "sip:a@192.0.2.1")
    put(registrations, "sip:b@192.0.2.1", expires=600)
    later = NOW + 61
    assert uris(registrations.contacts(TRUNK, later)) == ["sip:b@192.0.2.1"]
    put(registrations, "sip:c@192.0.2.1", now=later)
    assert uris(registrations.take_expired(later)) == ["sip:a@192.0.2.1"]
    assert registrations.take_expired(later) == []
    assert uris(registrations.all(later)) == ["sip:b@192.0.2.1", "sip:c@192.0.2.1"]


def _write_some(path: Path, number: int) -> None:
    registrations = Registrations(path)
    for n in range(20):
        put(registrations, f"sip:w{number}@192.0.2.1", now=NOW + n)


def test_workers_that_write_at_the_same_time(path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_write_some, args=(path, n)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert len(Registrations(path).contacts(TRUNK, NOW)) == min(6, MOST_CONTACTS)


def test_a_damaged_file_is_put_aside(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"nothing of ours" * 100)
    registrations = Registrations(path)
    with pytest.raises(sqlite3.Error):
        registrations.contacts(TRUNK, NOW)
    put(registrations, "sip:a@192.0.2.1")
    assert uris(registrations.contacts(TRUNK, NOW)) == ["sip:a@192.0.2.1"]
    assert (tmp_path / "registrations.db.damaged").exists()


def test_a_file_that_was_taken_away(path: Path) -> None:
    registrations = Registrations(path)
    put(registrations, "sip:a@192.0.2.1")
    path.unlink()
    assert registrations.all(NOW) == []
    put(registrations, "sip:b@192.0.2.1")
    assert uris(Registrations(path).all(NOW)) == ["sip:b@192.0.2.1"]


def test_calls_go_on_without_the_file(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"nothing of ours" * 100)
    (tmp_path / "routing.db").touch()
    assert RoutingDb(tmp_path / "routing.db", Registrations(path)).registered(TRUNK) == ()
