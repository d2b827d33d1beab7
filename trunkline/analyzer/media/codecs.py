"""Payload types, clock rates, and what the E-model needs to know of a codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STATIC: Final[dict[int, tuple[str, int]]] = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    5: ("DVI4", 8000),
    6: ("DVI4", 16000),
    7: ("LPC", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    10: ("L16", 44100),
    11: ("L16", 44100),
    12: ("QCELP", 8000),
    13: ("CN", 8000),
    14: ("MPA", 90000),
    15: ("G728", 8000),
    16: ("DVI4", 11025),
    17: ("DVI4", 22050),
    18: ("G729", 8000),
    19: ("CN", 8000),
    25: ("CelB", 90000),
    26: ("JPEG", 90000),
    28: ("nv", 90000),
    31: ("H261", 90000),
    32: ("MPV", 90000),
    33: ("MP2T", 90000),
    34: ("H263", 90000),
}
"""Encoding name and clock rate by payload type (RFC 3551 section 6; 19 was comfort noise before 13 was)."""
COMFORT_NOISE: Final = frozenset({13, 19})
FIRST_DYNAMIC: Final = 35
"""From here on nothing is assigned for good: some send 35 to 95 as if they were dynamic."""
RATES: Final = (8000, 16000, 24000, 32000, 44100, 48000, 90000)
VIDEO: Final = frozenset(
    {"CELB", "JPEG", "NV", "H261", "MPV", "MP2T", "H263", "H263-1998", "H264", "H265", "VP8", "VP9", "AV1"}
)


@dataclass(frozen=True, slots=True)
class Impairment:
    """Equipment impairment Ie, robustness to loss Bpl, and delay in ms of the codec itself (ITU-T G.113 where it has
    it).
    """

    ie: float
    bpl: float
    delay_ms: float
    wideband: bool = False
    rough: bool = False
    """Not from G.113: set by likeness to another codec."""


IMPAIRMENTS: Final[dict[str, Impairment]] = {
    "PCMU": Impairment(0, 25.1, 0),
    "PCMA": Impairment(0, 25.1, 0),
    "G729": Impairment(11, 19, 15),
    "G723": Impairment(15, 16.1, 37.5),
    "GSM": Impairment(20, 43, 20),
    "GSM-EFR": Impairment(5, 10, 20),
    "ILBC": Impairment(11, 32, 25),
    "AMR": Impairment(5, 10, 25),
    "G726-32": Impairment(7, 12, 0, rough=True),
    "G728": Impairment(7, 12, 1, rough=True),
    "SPEEX": Impairment(14, 15, 30, rough=True),
    "G722": Impairment(13, 4.5, 4, wideband=True),
    "AMR-WB": Impairment(8, 4.5, 25, wideband=True),
    "OPUS": Impairment(8, 10, 26.5, wideband=True, rough=True),
    "SILK": Impairment(12, 10, 25, wideband=True, rough=True),
    "SPEEX/16000": Impairment(16, 10, 34, wideband=True, rough=True),
}
"""By encoding name in capitals. G.711 with packet loss concealment; without it Bpl is 4.3."""
G711_WITHOUT_PLC_BPL: Final = 4.3


def impairment(codec: str, clock_rate: int) -> Impairment | None:
    """None: nothing is known of the codec."""
    name = codec.upper()
    if clock_rate == 16000 and f"{name}/16000" in IMPAIRMENTS:
        return IMPAIRMENTS[f"{name}/16000"]
    return IMPAIRMENTS.get(name)


def nearest_rate(measured: float) -> int | None:
    """The usual clock rate within 8 % of a measured one; None: there is none."""
    best = min(RATES, key=lambda rate: abs(rate - measured))
    return best if abs(best - measured) <= 0.08 * best else None
