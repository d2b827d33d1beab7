"""rtpengine's answer to `query` or `delete` → the figures of the audio received from the caller and from the callee.

What the fields mean (rtpengine 10.5.3 and 12.5.1, measured with real RTP and RTCP, and held by tests):

- `tags.<tag>.medias[].streams[]` is what was *received* under that tag: `stats.packets` counts there, RTP and RTCP
  apart. Its `SSRC` is the last one; 12.5 has `ingress SSRCs` instead, up to four, the last one first.
- `SSRC.<number>` is what the sender of that SSRC said in its RTCP reports, so it is about the stream *it hears*: the
  one from the other side, over both stretches of the path. The loss of the caller's stream stands under the callee's
  SSRC.
- `cumulative loss` is the count in the reporter's last report (RFC 3550 section 6.4.1: 24 bits, with a sign), to
  which rtpengine adds the gaps that it saw in the reporter's own stream since then: with both directions losing
  packets, too much by the losses of the last reporting interval, usually 5 s.
- `average MOS` holds means over all reports: `MOS` times ten, `jitter` in ms, `packet loss` in whole percent, rounded
  down, of each report; `round-trip time leg` in µs between rtpengine and the reporter (0 where the report did not
  tell).

So without RTCP from the other side only the packets of a stream are known. (`generate RTCP` does not help: rtpengine
keeps its own count of gaps in the same field as the count that it receives.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.core.cdr import MediaFigures


def call_figures(reply: Mapping[str, Any], from_tag: str | None) -> tuple[MediaFigures, MediaFigures] | None:
    """Figures of the audio received from the caller and from the callee; None: the answer has none (the call is
    unknown).

    `from_tag`: the caller's tag. None: not known any more; then the caller is who offered first, whom rtpengine lists
    first. Of several callees (forking, failover) the one that sent most counts.
    """
    tags = reply.get("tags")
    if not tags:
        return None
    if from_tag is None or from_tag not in tags:
        from_tag = next(iter(tags))
    caller = _audio_streams(tags[from_tag])
    callees = [_audio_streams(side) for tag, side in tags.items() if tag != from_tag]
    callee = max(callees, key=_packets, default=[])
    reports = reply.get("SSRC") or {}
    return _figures(caller, callee, reports), _figures(callee, caller, reports)


def _audio_streams(side: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [stream for media in side.get("medias", ()) if media.get("type") == "audio" for stream in media["streams"]]


def _packets(streams: list[Mapping[str, Any]]) -> int:
    return sum(int(stream["stats"]["packets"]) for stream in streams if "RTP" in stream["flags"])


def _figures(side: list[Mapping[str, Any]], other: list[Mapping[str, Any]], reports: Mapping[str, Any]) -> MediaFigures:
    """`side` sent the audio; the reports of `other` judge it; its own reports tell its round trip."""
    figures = MediaFigures(packets=_packets(side))
    judged = _reports_by(other, reports)
    if judged is not None and figures.packets:
        average = judged["average MOS"]
        figures.lost = _signed_24_bits(int(judged["cumulative loss"]))
        figures.jitter_ms = float(average["jitter"])
        figures.mos = average["MOS"] / 10 if average["MOS"] else None
    own = _reports_by(side, reports)
    if own is not None:
        figures.round_trip_ms = _round_trip_ms(own)
    return figures


def _reports_by(streams: list[Mapping[str, Any]], reports: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the sender of these streams reported about the other side's."""
    for stream in streams:
        for ssrc in _ssrcs(stream):
            found: Mapping[str, Any] | None = reports.get(str(ssrc))
            if found is not None:
                return found
    return None


def _ssrcs(stream: Mapping[str, Any]) -> list[int]:
    """The SSRCs received in this stream, the last one first."""
    if "SSRC" in stream:
        return [stream["SSRC"]]
    return [entry["SSRC"] for entry in stream.get("ingress SSRCs", ())]


def _signed_24_bits(count: int) -> int:
    """Duplicates make it negative: nothing was lost then."""
    return 0 if count & 0x800000 else count & 0x7FFFFF


def _round_trip_ms(report: Mapping[str, Any]) -> float | None:
    """Mean of the reports that told one. (rtpengine's own mean counts those that did not as 0.)"""
    entries = [int(entry["round-trip time leg"]) for entry in report["MOS progression"]["entries"]]
    known = [entry for entry in entries if entry > 0]
    return round(sum(known) / len(known) / 1000, 1) if known else None
