"""The rate of the longest prefix, looked up in routing.db as a SIP worker does."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

from trunkline.core.routing_data import CarrierRow, RateRow
from trunkline.core.routing_schema import DDL
from trunkline.engines.kamailio.routing import RoutingDb

CARRIERS = tuple(f"CX{n}" for n in range(3))


def routing_with(path: Path, rates: dict[tuple[str, str], RateRow]) -> RoutingDb:
    with sqlite3.connect(path) as file:
        file.executescript(DDL)
        file.executemany(
            "INSERT INTO carriers (sid, enabled, priority, weight, number_format, tech_prefix, caller_header,"
            " probe_seconds, probe_misses, register, register_expires)"
            " VALUES (?, 1, 1, 1, 'e164', '', 'both', 30, 3, 0, 300)",
            [(sid,) for sid in CARRIERS],
        )
        file.executemany(
            "INSERT INTO carrier_rates VALUES (?, ?, ?, ?, ?, ?)",
            [(sid, prefix, f"CF{sid}{prefix}", *row) for (sid, prefix), row in rates.items()],
        )
    routing = RoutingDb(path)
    routing.refresh(1.0)
    return routing


def test_as_a_plain_search_finds_it(tmp_path: Path) -> None:
    dice = Random(5)

    def digits(most: int) -> str:
        return "+" + "".join(dice.choice("123") for _ in range(dice.randint(0, most)))

    rates = {(dice.choice(CARRIERS[:2]), digits(6)): RateRow(n, 60, 60) for n in range(150)}
    routing = routing_with(tmp_path / "routing.db", rates)
    assert sorted(routing.rated_carriers()) == list(CARRIERS[:2])
    for _ in range(500):
        number, plain = digits(9), {}
        for (carrier, prefix), row in sorted(rates.items(), key=lambda item: len(item[0][1])):
            if number.startswith(prefix):
                plain[carrier] = row
        assert routing.rates(number) == plain, number
    assert routing.rates("112") == {}
    assert routing.carrier("CX1") == CarrierRow("CX1", True, 1, 1)
    routing.close()
