from __future__ import annotations

from dataclasses import asdict

import numpy as np
from rtp_by_hand import A, B, Collector, Limits, collect, moved, rtp, tables, talk, with_events
from test_media_kinds import at, dns, report, stun
from test_rtp_audio import babble, sine


def story():
    """A little of everything, in the order of time."""
    dice = np.random.default_rng(11)
    speech = babble(120, 0)
    keys = sine(6, 0, (770, 0.1), (1336, 0.1))
    loud = talk(120, first=65_480, payload=lambda i: keys[i - 40] if 40 <= i < 46 else speech[i])
    loud = [moved(p, float(abs(dice.normal(0, 5)))) for i, p in enumerate(loud) if i % 17]
    loud += [moved(p, 30) for p in loud[::9]] + [moved(p, 0.1) for p in loud[5:30]]
    others = (
        with_events("19")
        + talk(60, ssrc=5, src=B, dst=A)
        + [rtp(9_000 + i, 7 + i * 160, 1_300 + i * 20, ssrc=5, src=B, dst=A) for i in range(40)]
    )
    loud = [type(p)(p.time_ns, p.payload, ("192.0.2.1", 11_000), B) for p in loud]
    control = [at(700, report(1, 5)), at(710, stun(1)), at(720, dns(1)), at(20, dns(2)), at(900, report(5, 1), B, A)]
    fax = [
        at(i * 30, i.to_bytes(2, "big") + bytes([6, 0xC0, 1]) + bytes(9), ("192.0.2.1", 12_000), B) for i in range(20)
    ]
    return sorted(loud + others + control + fax, key=lambda packet: packet.time_ns)


def told(media) -> dict:
    for stream in media.streams:
        stream.raw = None
    return asdict(media)


def test_where_chunks_end_makes_no_difference():
    packets = story()
    whole = told(collect(packets))
    assert len(whole["streams"]) == 4
    assert any(stream["tones"] for stream in whole["streams"])
    for size in (1, 2, 3, 7, 50, len(packets) - 1):
        assert told(collect(packets, size)) == whole, size


def test_one_cut_at_every_position():
    packets = story()[:240]
    whole = told(collect(packets))
    for cut in range(1, len(packets), 3):
        collector = Collector(Limits())
        for start, stop in ((0, cut), (cut, len(packets))):
            for number, (table, flows) in enumerate(tables(packets)):
                assert number == 0
                names = ("frame", "time_ns", "flow", "offset", "length", "wire_length", "ip_id", "dscp")
                part = {name: getattr(table, name)[start:stop] for name in names}
                collector.take(type(table)(table.file, table.data, **part), flows)
        assert told(collector.finish()) == whole, cut
