"""Estimated MOS by the E-model (ITU-T G.107, wideband G.107.1, codecs by G.113): one direction, as captured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trunkline.analyzer.media.codecs import Impairment, impairment

_BASE_R: Final = 93.2
_WIDEBAND_SCALE: Final = 1.29
"""G.107.1: R of wideband speech goes to 129."""
_BUFFER_MS: Final = (40.0, 200.0)
"""Jitter buffers grow from a little to what people still bear."""


@dataclass(slots=True)
class Estimate:
    mos: float | None
    basis: str
    wideband: bool


@dataclass(slots=True)
class Impaired:
    """What the network did to a stream."""

    lost_share: float
    burst_ratio: float
    delay_p99_ms: float
    """How late packets come, but the worst hundredth."""
    ptime_ms: float
    round_trip_ms: float | None = None


def estimate(codec: str, clock_rate: int, seen: Impaired) -> Estimate:
    """None with the reason where the codec gives no ground."""
    known = impairment(codec, clock_rate)
    if known is None:
        return Estimate(None, f"no estimate: no impairment figures for {codec or 'an unknown codec'}", False)
    buffer = min(max(_BUFFER_MS[0], seen.delay_p99_ms), _BUFFER_MS[1])
    late = 0.01 if seen.delay_p99_ms > _BUFFER_MS[1] else 0.0
    loss = 100 * min(1.0, seen.lost_share + late)
    network = seen.round_trip_ms / 2 if seen.round_trip_ms is not None else 0.0
    delay = buffer + known.delay_ms + seen.ptime_ms + network
    mos = _mos(known, loss, seen.burst_ratio, delay)
    return Estimate(round(mos, 2), _basis(codec, known, loss, seen, buffer), known.wideband)


def _mos(known: Impairment, loss: float, burst_ratio: float, delay: float) -> float:
    equipment = known.ie + (95 - known.ie) * loss / (loss / burst_ratio + known.bpl)
    slow = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
    base = _BASE_R * (_WIDEBAND_SCALE if known.wideband else 1)
    rating = (base - slow - equipment) / (_WIDEBAND_SCALE if known.wideband else 1)
    return score(rating)


def score(rating: float) -> float:
    """R to MOS (ITU-T G.107 annex B): 1 to 4.5."""
    if rating <= 0:
        return 1.0
    if rating >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating))


def _basis(codec: str, known: Impairment, loss: float, seen: Impaired, buffer: float) -> str:
    concealed = " with loss concealment" if codec in {"PCMU", "PCMA"} else ""
    parts = [f"E-model estimate: {codec}{concealed}, {loss:.2f} % loss"]
    if seen.burst_ratio > 1.05:
        parts.append(f"burst ratio {seen.burst_ratio:.1f}")
    parts.append(f"jitter buffer of {buffer:.0f} ms assumed")
    if seen.round_trip_ms is None:
        parts.append("network delay not known")
    else:
        parts.append(f"round trip {seen.round_trip_ms:.0f} ms from RTCP")
    if known.wideband:
        parts.append("wideband scale")
    if known.rough:
        parts.append("codec figures rough")
    return ", ".join(parts)
