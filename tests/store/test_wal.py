from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from trunkline.store.wal import switch_to_wal


def test_a_switch_waits_for_whoever_holds_the_database(tmp_path: Path):
    path = tmp_path / "new.db"
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("CREATE TABLE numbers (number TEXT)")
    other = sqlite3.connect(path, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        switch_to_wal(other, 0.05)
    release = threading.Timer(0.1, holder.execute, ("COMMIT",))
    release.start()
    switch_to_wal(other, 10)
    release.join()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    holder.close()
