"""A carrier takes so many calls a second and at a time: one that is full is passed over, and the next one tried."""

from __future__ import annotations

from trunkline.core.call_limits import Counter
from trunkline.core.decision import Target


def with_room(
    targets: tuple[Target, ...], call_sid: str, counter: Counter, now: float, before: Target | None = None
) -> tuple[Target, ...]:
    """The targets from the first on whose carrier has room; the call is counted there. Empty: all are full.

    `before`: where the call was. `now`: Unix seconds.
    """
    for at, target in enumerate(targets):
        terms = target.terms
        if terms is None or not terms.limited:
            if before is not None and before.terms is not None and before.terms.limited:
                counter.place_at(call_sid, None, None, None, now)
        elif not counter.place_at(call_sid, target.carrier_sid, terms.cps, terms.calls, now):
            continue
        return targets[at:] if at else targets
    return ()
