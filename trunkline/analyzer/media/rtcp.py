"""RTCP: reports of what the other side received (RFC 3550 section 6.4, XR: RFC 3611), and the round trip that they
give.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from trunkline.analyzer.model.capture import Endpoint, Place
from trunkline.analyzer.model.stream import RtcpReport

_SR: Final = 200
_RR: Final = 201
_XR: Final = 207
_VOIP_METRICS: Final = 7
_MOST_REPORTS: Final = 500_000
_MOST_PENDING: Final = 20_000


class Reports:
    """Takes RTCP datagrams one by one, in the order of the input."""

    def __init__(self) -> None:
        self.found: list[RtcpReport] = []
        self._sent: dict[tuple[int, int], float] = {}
        """When a sender report went by, by SSRC and the middle of its NTP time: what LSR refers to."""
        self._leg: dict[int, float] = {}
        """Seconds from the capture to the owner of an SSRC and back."""
        self._waiting: list[tuple[RtcpReport, int, int]] = []

    def take(self, data: bytes, whole: bool, src: Endpoint, dst: Endpoint, time: float, place: Place) -> None:
        """`whole`: the capture has all of the datagram. What does not end where its lengths say is SRTCP, or cut: only
        headers.
        """
        parts = list(_parts(data))
        used = sum(len(part) for part in parts)
        if not whole or used != len(data) or len(self.found) >= _MOST_REPORTS:
            return
        metrics = {ssrc: score for part in parts for ssrc, score in _voip_metrics(part)}
        for part in parts:
            if part[1] in {_SR, _RR} and len(part) >= 8:
                self._report(part, metrics, src, dst, time, place)

    def _report(
        self, part: bytes, metrics: dict[int, float], src: Endpoint, dst: Endpoint, time: float, place: Place
    ) -> None:
        reporter = int.from_bytes(part[4:8], "big")
        begin = 8
        if part[1] == _SR and len(part) >= 28:
            begin = 28
            if len(self._sent) < _MOST_PENDING:
                self._sent.setdefault((reporter, int.from_bytes(part[10:14], "big")), time)
        for number in range(part[0] & 0x1F):
            block = part[begin + 24 * number : begin + 24 * number + 24]
            if len(block) < 24:
                return
            ssrc, lost, highest, jitter, last, delay = struct.unpack(">6I", block)
            cumulative = lost & 0xFFFFFF
            report = RtcpReport(
                place=place,
                time=time,
                src=src,
                dst=dst,
                reporter_ssrc=reporter,
                ssrc=ssrc,
                fraction_lost=(lost >> 24) / 256,
                cumulative_lost=cumulative - (1 << 24) if cumulative & 0x800000 else cumulative,
                highest_sequence=highest,
                jitter=jitter,
                xr_mos=metrics.get(ssrc),
            )
            self.found.append(report)
            self._round_trip(report, last, delay)

    def _round_trip(self, report: RtcpReport, last: int, delay: int) -> None:
        """The way from here to the reporter and back; with the same of the other side it is the whole round trip."""
        sent = self._sent.get((report.ssrc, last)) if last else None
        if sent is None:
            return
        leg = report.time - sent - delay / 65536
        if not -0.005 <= leg < 10:
            return
        self._leg[report.reporter_ssrc] = max(0.0, leg)
        other = self._leg.get(report.ssrc)
        if other is None:
            self._waiting.append((report, report.ssrc, report.reporter_ssrc))
        else:
            report.round_trip_ms = (max(0.0, leg) + other) * 1000

    def finish(self) -> list[RtcpReport]:
        """All reports; those that came before the other side was measured get their round trip now."""
        for report, far, near in self._waiting:
            if far in self._leg:
                report.round_trip_ms = (self._leg[far] + self._leg[near]) * 1000
        return self.found


def _parts(data: bytes) -> Iterator[bytes]:
    """Packets of a compound as long as their headers are sound."""
    at = 0
    while at + 4 <= len(data) and data[at] >> 6 == 2 and 192 <= data[at + 1] <= 223:
        end = at + 4 * (int.from_bytes(data[at + 2 : at + 4], "big") + 1)
        if end > len(data):
            return
        yield data[at:end]
        at = end


def _voip_metrics(part: bytes) -> Iterator[tuple[int, float]]:
    """SSRC and listening MOS of the VoIP metrics blocks of an XR packet (RFC 3611 section 4.7); 127 means not
    available.
    """
    if part[1] != _XR:
        return
    at = 8
    while at + 4 <= len(part):
        end = at + 4 * (int.from_bytes(part[at + 2 : at + 4], "big") + 1)
        if part[at] == _VOIP_METRICS and end - at >= 36 and end <= len(part) and 10 <= part[at + 22] <= 50:
            yield int.from_bytes(part[at + 4 : at + 8], "big"), part[at + 22] / 10
        at = end
