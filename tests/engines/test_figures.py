from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_rtpengine import Endpoint, RealRtpengine, talk

from trunkline.core.cdr import MediaFigures
from trunkline.engines.rtpengine.figures import call_figures

RECORDED = Path(__file__).parent / "ng_replies"

# --- as rtpengine 10.5.3 writes it


def side(ssrc: int, sent: int, kind: str = "audio") -> dict[str, Any]:
    rtp = {"flags": ["RTP", "filled", "confirmed"], "SSRC": ssrc, "stats": {"packets": sent, "errors": 0}}
    rtcp = {"flags": ["RTCP", "filled"], "SSRC": ssrc, "stats": {"packets": 9, "errors": 0}}
    return {"medias": [{"type": kind, "streams": [rtp, rtcp]}]}


def report(lost: int, *, mos: int = 41, trips: tuple[int, ...] = (0, 20_000, 22_000)) -> dict[str, Any]:
    return {
        "cumulative loss": lost,
        "average MOS": {"MOS": mos, "jitter": 3, "round-trip time leg": 14_000, "packet loss": 4},
        "MOS progression": {"interval": 1, "entries": [{"round-trip time leg": trip} for trip in trips]},
    }


def test_a_stream_is_judged_by_the_reports_of_the_other_side() -> None:
    reports = {"2": report(22), "1": report(55, mos=33, trips=())}
    figures = call_figures({"tags": {"a": side(1, 478), "b": side(2, 445)}, "SSRC": reports}, "a")
    caller = MediaFigures(packets=478, lost=22, jitter_ms=3.0, mos=4.1)
    callee = MediaFigures(packets=445, lost=55, jitter_ms=3.0, mos=3.3, round_trip_ms=21.0)
    assert figures == (caller, callee)


def test_the_other_tag_may_be_the_callers() -> None:
    reply = {"tags": {"a": side(1, 10), "b": side(2, 20)}}
    found = call_figures(reply, "b")
    assert found is not None
    assert [figures.packets for figures in found] == [20, 10]


@pytest.mark.parametrize("from_tag", [None, "unknown"])
def test_whoever_offered_first_is_the_caller(from_tag: str | None) -> None:
    found = call_figures({"tags": {"b": side(2, 20), "a": side(1, 10)}}, from_tag)
    assert found is not None
    assert [figures.packets for figures in found] == [20, 10]


def test_of_several_callees_the_one_that_spoke_counts() -> None:
    reply = {"tags": {"a": side(1, 10), "": side(3, 0), "b": side(2, 20)}, "SSRC": {}}
    found = call_figures(reply, "a")
    assert found is not None
    assert found[1] == MediaFigures(packets=20)


def test_video_is_no_audio() -> None:
    found = call_figures({"tags": {"a": side(1, 10, "video"), "b": side(2, 20)}}, "a")
    assert found is not None
    assert found[0].packets == 0


@pytest.mark.parametrize("reply", [{"result": "ok", "warning": "not found"}, {"result": "error"}, {"tags": {}}, {}])
def test_unknown_call_has_no_figures(reply: dict[str, Any]) -> None:
    assert call_figures(reply, "a") is None


def test_offer_without_answer() -> None:
    found = call_figures({"tags": {"a": side(1, 10)}, "SSRC": {}}, "a")
    assert found == (MediaFigures(packets=10), MediaFigures(packets=0))


def test_duplicates_make_the_count_negative_and_nothing_was_lost() -> None:
    reply = {"tags": {"a": side(1, 10), "b": side(2, 20)}, "SSRC": {"2": report(0xFFFFFE, mos=0, trips=(0,))}}
    found = call_figures(reply, "a")
    assert found is not None
    assert (found[0].lost, found[0].mos, found[1].round_trip_ms) == (0, None, None)


# --- recorded: the call of `test_real_rtp_with_losses_in_both_directions`


@pytest.mark.parametrize(("version", "callers_round_trip"), [("10.5.3", 10.2), ("12.5.1", 10.3)])
def test_what_each_rtpengine_answered(version: str, callers_round_trip: float) -> None:
    reply = json.loads((RECORDED / f"delete-{version}.json").read_text())
    caller = MediaFigures(packets=456, lost=24, jitter_ms=2.0, mos=4.1, round_trip_ms=callers_round_trip)
    callee = MediaFigures(packets=432, lost=48, jitter_ms=2.0, mos=3.5, round_trip_ms=10.3)
    assert call_figures(reply, "from") == (caller, callee)


def test_of_several_ssrcs_the_last_that_reported_counts() -> None:
    """The callee was replaced in mid-call: rtpengine 12.5 lists both, the last one first."""
    reply = {"tags": {"a": side(1, 478), "b": side(2, 445)}, "SSRC": {"2": report(22), "3": report(9)}}
    for stream in reply["tags"]["b"]["medias"][0]["streams"]:
        del stream["SSRC"]
        stream["ingress SSRCs"] = [{"SSRC": 4}, {"SSRC": 3}, {"SSRC": 2}]
    found = call_figures(reply, "a")
    assert found is not None
    assert found[0].lost == 9


# --- with the real one


@pytest.mark.live
def test_real_rtp_with_losses_in_both_directions() -> None:
    # Sequence numbers wrap, a tenth of the callee's packets and a twentieth of the caller's never arrive; the last
    # packets do, so that the last report knows of every loss.
    caller = Endpoint(1111, 65_400, drop=lambda number: number % 20 == 7)
    callee = Endpoint(2222, 100, drop=lambda number: number % 10 == 3)
    with RealRtpengine() as rtpengine:
        rtpengine.connect("call", caller, callee)
        talk(caller, callee, packets=480, report_every=120)
        deleted = rtpengine.client.delete("call", "from")
        rtpengine.wait_until_gone()
    caller.close()
    callee.close()
    assert deleted is not None
    from_caller, from_callee = call_figures(deleted, "from") or pytest.fail("no figures")
    assert (from_caller.packets, from_callee.packets) == (caller.sent, callee.sent) == (456, 432)
    assert (from_caller.lost, from_callee.lost) == (callee.lost, caller.lost) == (24, 48)
    assert from_caller.jitter_ms == from_callee.jitter_ms == 2.0  # the 16 timestamp units that both report
    assert 3.0 < (from_callee.mos or 0) < (from_caller.mos or 0) < 4.3
    for figures in (from_caller, from_callee):
        assert 0 < (figures.round_trip_ms or 0) < 60


@pytest.mark.live
def test_real_rtp_without_rtcp_and_one_way() -> None:
    caller, callee = Endpoint(1111), Endpoint(2222, drop=lambda _: True)
    with RealRtpengine() as rtpengine:
        rtpengine.connect("call", caller, callee)
        talk(caller, callee, packets=50, pace=0.002, report_every=0)
        deleted = rtpengine.client.delete("call", "from")
    assert deleted is not None
    assert call_figures(deleted, "from") == (MediaFigures(packets=50), MediaFigures(packets=0))


@pytest.mark.live
def test_nobody_behind_nat_misses_the_first_seconds() -> None:
    """The SDP says another port than the packets come from; the other side's audio comes back with the first ones."""
    caller, callee = Endpoint(1111), Endpoint(2222)
    caller.announced = 9
    with RealRtpengine() as rtpengine:
        rtpengine.connect("call", caller, callee)
        talk(caller, callee, packets=50, pace=0.004, report_every=0)
    assert len(caller.received) >= 48


@pytest.mark.live
def test_a_stray_packet_does_not_take_the_audio_away() -> None:
    caller, callee, stranger = Endpoint(1111), Endpoint(2222), Endpoint(3333)
    with RealRtpengine() as rtpengine:
        rtpengine.connect("call", caller, callee)
        stranger.remote = caller.remote
        stranger.send(0)
        talk(caller, callee, packets=50, pace=0.004, report_every=0)
        stranger.receive()
    assert len(caller.received) >= 48
    assert len(stranger.received) <= 2
