"""Time of one decision over the routing data, with 100 trunks and with 100,000 trunks and 1,000,000 numbers.

Each decision is that of an INVITE with credentials, from a trunk drawn at random; nothing is remembered of the one
before, as in a worker that meets every customer for the first time after a change.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from bench.edge import PASSWORD, REALM, caller, write_routing
from trunkline.core import digest
from trunkline.core.decision import Relay
from trunkline.core.invite import Invite
from trunkline.core.policy import Policy
from trunkline.core.route import decide
from trunkline.engines.kamailio.routing import LOOK_EVERY, RoutingDb

SIZES = ((100, 100), (100_000, 1_000_000))
P99_AT_MOST_US = 1000
RATIO_AT_MOST = 1.3
DECISIONS = 20_000
SECRET = b"0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Times:
    trunks: int
    numbers: int
    median_us: float
    p99_us: float


def measure(folder: Path, *, decisions: int = DECISIONS) -> list[Times]:
    """The two sizes in turn, in slices of a tenth, so that what else the machine does falls on both."""
    sides = []
    for trunks, numbers in SIZES:
        path = folder / f"routing-{trunks}.db"
        write_routing(path, 5060, trunks=trunks, numbers=numbers)
        sides.append((trunks, RoutingDb(path), list[float]()))
    policy = Policy(REALM, ("pstn.twilio.com",), frozenset(("127.0.0.1",)), SECRET)
    dice = random.Random(1)
    for _ in range(10):
        for trunks, routing, times in sides:
            times += [_one(routing, policy, dice, dice.randrange(trunks)) for _ in range(decisions // 10)]
    found = []
    for (trunks, numbers), (_, routing, times) in zip(SIZES, sides, strict=True):
        routing.close()
        times.sort()
        found.append(Times(trunks, numbers, times[len(times) // 2] * 1e6, times[len(times) * 99 // 100] * 1e6))
    return found


_clock = 1_800_000_000.0


def _one(routing: RoutingDb, policy: Policy, dice: random.Random, number: int) -> float:
    """Seconds of one decision."""
    global _clock  # noqa: PLW0603  the edge's clock, which moves on so that the worker looks at the file each time
    _clock += 2 * LOOK_EVERY
    invite = _invite(number, _clock, dice)
    routing.forget()
    started = time.perf_counter()
    routing.refresh(_clock)
    decision = decide(invite, routing, policy, _clock, dice, lambda _: True)
    took = time.perf_counter() - started
    assert isinstance(decision, Relay), decision
    return took


def _invite(number: int, now: float, dice: random.Random) -> Invite:
    pbx = caller(number)
    called, uri = "+15550199999", f"sip:+15550199999@{pbx.trunk_host}"
    nonce = digest.make_nonce(SECRET, now, dice.getrandbits(64), digest.MD5)
    inner, outer = digest.make_ha1(pbx.username, REALM, PASSWORD), digest.md5_hex(f"INVITE:{uri}")
    response = digest.md5_hex(f"{inner}:{nonce}:00000001:abc:auth:{outer}")
    authorization = (
        f'Digest username="{pbx.username}", realm="{REALM}", nonce="{nonce}", uri="{uri}", response="{response}", '
        'algorithm=MD5, cnonce="abc", qop=auth, nc=00000001'
    )
    return Invite(
        method="INVITE",
        ruri=f"sip:{called}@{pbx.trunk_host}",
        from_header_uri=f"sip:{pbx.caller_id}@pbx.example",
        from_tag="t",
        call_id=f"c{now}",
        source_ip="127.0.0.1",
        source_port=5060,
        transport="udp",
        authorization=authorization,
        to_uri="",
    )
