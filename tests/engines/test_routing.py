"""RoutingDb gives the answers of the in-memory routing data of core's tests, and notices what the publisher does."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from trunkline.core import routing_schema
from trunkline.engines.kamailio.routing import LOOK_EVERY, RoutingDb, RoutingDbReplaced

sys.path.insert(0, str(Path(__file__).parent.parent / "core"))

import example_world
from memory_routing import MemoryRouting


def write(path: Path, world: MemoryRouting) -> None:
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.executescript(routing_schema.DDL)

        def insert(table: str, *rows: tuple[object, ...]) -> None:
            for row in rows:
                file.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)

        insert("accounts", *world.accounts.values())
        insert("trunks", *world.trunks.values())
        insert(
            "destination_rules",
            *((account, *rule) for account, rules in world.rules.items() for rule in rules.items()),
        )
        insert(
            "trunk_credential_lists",
            *((trunk, listed) for trunk, lists in world.trunk_lists.items() for listed in lists),
        )
        insert("credentials", *(row for rows in world.credentials.values() for row in rows))
        insert("trunk_acls", *((trunk, acl) for trunk, acls in world.trunk_acls.items() for acl in acls))
        insert(
            "acl_addresses",
            *(
                (f"IP{n}", acl, network)
                for n, (acl, network) in enumerate(
                    (acl, network) for acl, networks in world.acls.items() for network in networks
                )
            ),
        )
        insert("phone_numbers", *world.numbers.values())
        insert("caller_ids", *((account, number, f"PN{number}") for account, number in world.caller_ids))
        insert("origination_urls", *world.urls)
        insert("carriers", *world.carriers.values())
        insert("carrier_targets", *world.targets)
        insert(
            "carrier_addresses",
            *(
                (f"CN{n}", carrier, network)
                for n, (carrier, network) in enumerate(
                    (carrier, network) for carrier, networks in world.carrier_networks.items() for network in networks
                )
            ),
        )


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[RoutingDb, MemoryRouting]]:
    world = example_world.world()
    write(tmp_path / "routing db.sqlite", world)  # a blank, as homes have
    routing = RoutingDb(tmp_path / "routing db.sqlite")
    routing.refresh(1000.0)
    yield routing, world
    routing.close()


def test_the_same_answers_as_from_memory(both: tuple[RoutingDb, MemoryRouting]) -> None:
    routing, world = both
    trunks = [*world.trunks, "TKnone"]
    users = [*{row.username for rows in world.credentials.values() for row in rows}, "nobody", "' OR 1=1 --"]
    sources = [example_world.PBX, example_world.STRANGER, example_world.CARRIER_SOURCE, "::1", "no address"]
    numbers = [*world.numbers, example_world.VERIFIED, example_world.FOREIGN_ID, ""]
    for _ in range(2):  # the second time from what was remembered
        for sid in trunks:
            assert routing.trunk(sid) == world.trunk(sid)
            assert routing.has_acls(sid) == world.has_acls(sid)
            assert routing.has_credential_lists(sid) == world.has_credential_lists(sid)
            assert sorted(routing.trunk_networks(sid)) == sorted(world.trunk_networks(sid))
            assert sorted(routing.origination_urls(sid)) == sorted(world.origination_urls(sid))
        for label in [*(trunk.label for trunk in world.trunks.values() if trunk.label), "nolabel", "ACL"]:
            assert routing.trunk_by_label(label) == world.trunk_by_label(label)
        for sid, user in product(trunks, users):
            assert routing.credential(sid, user) == world.credential(sid, user)
        for user in users:
            assert sorted(routing.trunks_by_username(user)) == sorted(world.trunks_by_username(user))
        for source in sources[:4]:
            assert sorted(routing.trunks_by_source(source)) == sorted(world.trunks_by_source(source))
            assert routing.carrier_by_source(source) == world.carrier_by_source(source)
        for account, number in product([*world.accounts, "ACnone"], numbers):
            assert routing.account(account) == world.account(account)
            assert routing.destination_rules(account) == world.destination_rules(account)
            assert routing.owns_number(account, number) == world.owns_number(account, number)
            assert routing.verified_caller_id(account, number) == world.verified_caller_id(account, number)
        for number in numbers:
            assert routing.phone_number(number) == world.phone_number(number)
    assert sorted((carrier, sorted(targets)) for carrier, targets in routing.carriers_with_targets()) == sorted(
        (carrier, sorted(targets)) for carrier, targets in world.carriers_with_targets()
    )
    assert routing.trunks_by_source(sources[4]) == []
    assert routing.carrier_by_source(sources[4]) is None


@pytest.mark.parametrize(
    ("source", "listed"),
    [
        ("198.51.100.15", True),  # of the office's 198.51.100.0/28
        ("198.51.100.16", False),
        ("2001:db8::ffff", True),  # of its 2001:db8::/64
        ("2001:db8:0:1::1", False),
        ("192.0.2.15", True),  # of the carrier's 192.0.2.0/28
        ("192.0.2.16", False),
        ("203.0.113.9", True),  # of a list that is attached to no trunk
        ("200.1.1.1", False),  # of 128.0.0.0/1 alone
        ("10.200.1.1", True),  # of 10.0.0.0/8
        ("2400::1", False),  # of 2000::/3 alone
        ("2a00:1::1", True),  # of 2a00::/19
        ("::ffff:198.51.100.1", False),  # Kamailio's $si has IPv4 as such
        ("no address", False),
        ("", False),
    ],
)
def test_whose_source_is_listed(tmp_path: Path, source: str, listed: bool) -> None:
    """These are never banned: addresses of any list that is narrow enough, and of carriers."""
    world = example_world.world()
    world.acls["ALnowhere"] = ["203.0.113.9/32", "128.0.0.0/1", "10.0.0.0/8", "2000::/3", "2a00::/19"]
    write(tmp_path / "routing.db", world)
    routing = RoutingDb(tmp_path / "routing.db")
    routing.refresh(1000.0)
    for _ in range(2):  # the second time from what was remembered
        assert routing.is_listed(source) is listed
    with sqlite3.connect(tmp_path / "routing.db") as publisher:
        publisher.execute("DELETE FROM acl_addresses")
        publisher.execute("DELETE FROM carrier_addresses")
    routing.refresh(1000.0 + 2 * LOOK_EVERY)
    assert not routing.is_listed(source)
    routing.close()


def test_a_commit_of_the_publisher_is_seen(both: tuple[RoutingDb, MemoryRouting], tmp_path: Path) -> None:
    routing, world = both
    account = next(iter(world.accounts))
    assert routing.account(account) is not None
    assert routing.account(account).status == "active"
    with sqlite3.connect(tmp_path / "routing db.sqlite") as publisher:
        publisher.execute("UPDATE accounts SET status = 'suspended' WHERE sid = ?", (account,))
    routing.refresh(1000.0 + LOOK_EVERY / 2)
    assert routing.account(account).status == "active", "it looks 20 times a second, not more often"
    routing.refresh(1000.0 + 2 * LOOK_EVERY)
    assert routing.account(account).status == "suspended"


def test_a_clock_set_back_does_not_stop_the_looking(both: tuple[RoutingDb, MemoryRouting], tmp_path: Path) -> None:
    routing, world = both
    account = next(iter(world.accounts))
    assert routing.account(account) is not None
    with sqlite3.connect(tmp_path / "routing db.sqlite") as publisher:
        publisher.execute("UPDATE accounts SET funds = 0 WHERE sid = ?", (account,))
    routing.refresh(10.0)
    assert not routing.account(account).funds


def test_a_file_put_in_its_place_is_noticed(both: tuple[RoutingDb, MemoryRouting], tmp_path: Path) -> None:
    routing, _ = both
    write(tmp_path / "new", MemoryRouting())
    (tmp_path / "new").rename(tmp_path / "routing db.sqlite")
    with pytest.raises(RoutingDbReplaced):
        routing.refresh(2000.0)


def test_a_file_that_is_not_there_or_no_database(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        RoutingDb(tmp_path / "nowhere")
    (tmp_path / "text").write_text("this is no database, and longer than a header of one would be" * 10)
    with pytest.raises(sqlite3.DatabaseError):
        RoutingDb(tmp_path / "text").refresh(1.0)


def test_the_edge_cannot_write(both: tuple[RoutingDb, MemoryRouting]) -> None:
    routing, _ = both
    with pytest.raises(sqlite3.OperationalError):
        routing._one("DELETE FROM trunks")
