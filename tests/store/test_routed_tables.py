from __future__ import annotations

import sqlite3

from trunkline.core import routing_schema
from trunkline.store import change_log
from trunkline.store.routed_tables import ROUTED


def test_the_columns_are_in_the_order_of_the_schema():
    connection = sqlite3.connect(":memory:")
    connection.executescript(routing_schema.DDL)
    for routed in ROUTED:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({routed.name})")]
        assert list(routed.columns) == columns, routed.name
    assert {routed.name for routed in ROUTED} == set(routing_schema.TABLES)
    assert {routed.entity for routed in ROUTED} == {model.__tablename__ for model in change_log.LOGGED}
