"""What `trunkline status` says of carriers: one line for each target that is asked, for each that rests, and for each
registration.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from trunkline.engines.kamailio import carrier_state, resting
from trunkline.engines.kamailio.routing import RoutingDb
from trunkline.settings import Settings


def carriers_in_words(settings: Settings) -> list[str]:
    """Nothing where no carrier is watched."""
    now = time.time()
    known = carrier_state.read(settings.run_dir / carrier_state.STATE_FILE, now)
    rests = resting.read(settings.run_dir / resting.REST_FILE, now)
    try:
        routing = RoutingDb(settings.routing_db)
        routing.refresh(now)
    except (OSError, sqlite3.Error):
        return []
    lines = []
    for carrier, targets in routing.carriers_with_targets():
        lines += [
            f"{target.sip_uri} of {carrier.sid}: {_words(known['targets'][target.sid], now)}"
            for target in targets
            if target.sid in known["targets"]
        ]
        lines += [
            f"{target.sip_uri} of {carrier.sid}: rests for {rests[target.sid] - now:.0f} s (503 with Retry-After)"
            for target in targets
            if target.sid in rests
        ]
        if carrier.sid in known["registrations"]:
            lines.append(f"registration with {carrier.sid}: {_words(known['registrations'][carrier.sid], now)}")
    routing.close()
    return lines


def _words(one: Mapping[str, Any], now: float) -> str:
    if not one["answer"]:
        return "no answer yet"
    since = f" for {now - one['since']:.0f} s" if one["since"] else ""
    return f"{one['state']}{since} ({one['answer']})"
