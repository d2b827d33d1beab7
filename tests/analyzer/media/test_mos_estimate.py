from __future__ import annotations

import pytest

from trunkline.analyzer.media.mos import Impaired, estimate, score


def clean(**more) -> Impaired:
    return Impaired(**{"lost_share": 0.0, "burst_ratio": 1.0, "delay_p99_ms": 1.0, "ptime_ms": 20.0} | more)


def test_the_scale_of_the_recommendation():
    # ITU-T G.107 annex B, table B.1: R of 90, 80, 70, 60, 50
    assert [round(score(r), 2) for r in (90, 80, 70, 60, 50)] == [4.34, 4.02, 3.6, 3.1, 2.58]
    assert (score(-5), score(0), score(120)) == (1.0, 1.0, 4.5)


def test_clean_g711_is_as_good_as_it_gets():
    result = estimate("PCMU", 8000, clean())
    assert result.mos == pytest.approx(4.38, abs=0.02)
    assert not result.wideband
    assert "estimate" in result.basis
    assert "loss concealment" in result.basis
    assert "network delay not known" in result.basis


def test_the_equation_for_loss():
    # R = 93.2 - Id(60 ms) - 95 * 2 / (2 + 25.1); bursts of twice the length: 95 * 2 / (1 + 25.1)
    assert estimate("PCMA", 8000, clean(lost_share=0.02)).mos == pytest.approx(
        score(93.2 - 1.44 - 190 / 27.1), abs=0.01
    )
    burst = estimate("PCMA", 8000, clean(lost_share=0.02, burst_ratio=2.0))
    assert burst.mos == pytest.approx(score(93.2 - 1.44 - 190 / 26.1), abs=0.01)
    assert "burst ratio 2.0" in burst.basis


@pytest.mark.parametrize("codec", ["PCMU", "G729", "G723", "GSM", "iLBC", "AMR", "speex", "G722", "opus"])
def test_more_loss_and_more_delay_are_worse(codec):
    marks = [estimate(codec, 8000, clean(lost_share=share)).mos for share in (0, 0.01, 0.05, 0.2, 1.0)]
    assert marks == sorted(marks, reverse=True)
    assert marks[0] > marks[2] > 1
    assert marks[-1] < 2
    delays = [estimate(codec, 8000, clean(round_trip_ms=trip)).mos for trip in (0, 200, 600)]
    assert delays == sorted(delays, reverse=True)
    assert delays[0] > delays[2]
    assert estimate(codec, 8000, clean(delay_p99_ms=500)).mos < marks[0]


def test_codecs_are_told_apart():
    marks = {codec: estimate(codec, 8000, clean()).mos for codec in ("PCMU", "G729", "GSM")}
    assert marks["PCMU"] > marks["G729"] > marks["GSM"]
    assert estimate("G722", 8000, clean()).wideband
    assert "wideband scale" in estimate("G722", 8000, clean()).basis
    assert estimate("SPEEX", 16000, clean()).wideband
    assert not estimate("SPEEX", 8000, clean()).wideband


def test_no_ground_no_estimate():
    assert estimate("", 8000, clean()).mos is None
    assert estimate("X-NEW", 8000, clean()).basis == "no estimate: no impairment figures for X-NEW"
