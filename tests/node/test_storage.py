"""What an operator does by hand to a node's memory."""

import pytest
from node_fixtures import settings_in

from trunkline.node.storage import StorageProblem, rebuild_routing, upgrade_database


def test_upgrade_and_rebuild(tmp_path):
    settings = settings_in(tmp_path)
    upgrade_database(settings)
    first = rebuild_routing(settings)
    assert first.rows == 0
    assert rebuild_routing(settings) == first


def test_a_mistyped_home_makes_no_new_database(tmp_path):
    settings = settings_in(tmp_path / "typo")
    with pytest.raises(StorageProblem, match="no database in"):
        rebuild_routing(settings)
    assert not settings.home.exists()


def test_a_database_that_is_away(tmp_path):
    settings = settings_in(tmp_path, database_url="postgresql://127.0.0.1:1/x")
    for work in (upgrade_database, rebuild_routing):
        with pytest.raises(StorageProblem):
            work(settings)
