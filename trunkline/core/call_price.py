"""What a call costs by the rate of the carrier that carried it."""

from __future__ import annotations


def price_micros(duration: int, rate: tuple[int, int, int]) -> int:
    """Millionths of the currency unit, rounded up. `duration`: seconds; `rate`: micros per minute, seconds that are
    billed at least and at a time (60, 60: begun minutes; 6, 6; 1, 1). A call that was not answered costs nothing.
    """
    per_minute, first, step = rate
    if duration <= 0:
        return 0
    billed = max(first, 1)
    if duration > billed:
        step = max(step, 1)
        billed += -(-(duration - billed) // step) * step
    return -(-billed * per_minute // 60)
