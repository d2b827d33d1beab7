"""The file that says which carrier targets are down."""

from __future__ import annotations

import os
from pathlib import Path

from trunkline.core.carrier_health import TargetHealth
from trunkline.core.carrier_registration import Registration
from trunkline.engines.kamailio import carrier_state


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / carrier_state.STATE_FILE
    assert carrier_state.down_targets(path, 1.0) == frozenset()
    down = TargetHealth("down", 5.0, 3, "408 Request Timeout")
    path.write_text(carrier_state.as_text({"CT1": down, "CT2": TargetHealth()}, {"CX1": Registration(60)}))
    os.utime(path, (1000.0, 1000.0))
    assert carrier_state.down_targets(path, 1001.0) == {"CT1"}
    assert carrier_state.read(path, 1001.0)["registrations"]["CX1"]["state"] == "trying"
    assert carrier_state.down_targets(path, 1000.0 + 2 * carrier_state.OLD_AFTER) == frozenset(), "nobody's any more"
    path.write_text("[")
    assert carrier_state.read(path, path.stat().st_mtime) == {"targets": {}, "registrations": {}}
