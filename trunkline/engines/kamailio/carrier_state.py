"""What a node knows of its carriers, as a file: which targets are down, where we are registered.

The node's watch writes it, the edge, the API and `trunkline status` read it. Runs inside Kamailio too: standard library
and core only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trunkline.core.carrier_health import TargetHealth
from trunkline.core.carrier_registration import Registration

STATE_FILE = "carriers.json"
"""In the run folder."""
OLD_AFTER = 30.0
"""Seconds after which a file is of a watch that is gone, and says nothing any more."""


def as_text(targets: Mapping[str, TargetHealth], registrations: Mapping[str, Registration]) -> str:
    """By SID of the target and of the carrier."""
    return json.dumps(
        {
            "targets": {
                sid: {"state": health.state, "since": health.since, "misses": health.misses, "answer": health.answer}
                for sid, health in targets.items()
            },
            "registrations": {
                sid: {"state": one.state, "since": one.since, "until": one.until, "answer": one.answer}
                for sid, one in registrations.items()
            },
        }
    )


def read(path: Path, now: float) -> dict[str, dict[str, dict[str, Any]]]:
    """`targets` and `registrations`; both empty where there is no file of a watch that runs. `now`: Unix seconds."""
    found: dict[str, dict[str, dict[str, Any]]] = {"targets": {}, "registrations": {}}
    try:
        if abs(now - path.stat().st_mtime) <= OLD_AFTER:
            found.update(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        pass  # no watch has run yet
    return found


def down_targets(path: Path, now: float) -> frozenset[str]:
    """SIDs of those that do not answer."""
    return frozenset([sid for sid, one in read(path, now)["targets"].items() if one.get("state") == "down"])
