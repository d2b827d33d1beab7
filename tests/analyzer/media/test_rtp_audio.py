from __future__ import annotations

import numpy as np
import pytest
from rtp_by_hand import collect, only, rtp, talk

from trunkline.analyzer.media import g711

LAWS = [(0, "PCMU"), (8, "PCMA")]


def sine(count: int, pt: int, *tones: tuple[float, float]) -> list[bytes]:
    """Packets of 20 ms of tones, (Hz, amplitude)."""
    time = np.arange(count * 160) / 8000
    signal = sum(size * np.sin(2 * np.pi * hertz * time) for hertz, size in tones) if tones else np.zeros(count * 160)
    coded = g711.encode(signal, pt).tobytes()
    return [coded[i * 160 : i * 160 + 160] for i in range(count)]


def babble(count: int, pt: int, size: float = 0.2, seed: int = 1) -> list[bytes]:
    """Noise with the spectrum and the pauses of speech, more or less."""
    dice = np.random.default_rng(seed)
    soft = np.convolve(dice.standard_normal(count * 160 + 5), np.ones(6) / 6, "valid")[: count * 160]
    swing = np.repeat(np.abs(np.sin(np.arange(count) / 6)), 160)
    coded = g711.encode(soft * swing * size, pt).tobytes()
    return [coded[i * 160 : i * 160 + 160] for i in range(count)]


@pytest.mark.parametrize(("pt", "name"), LAWS)
def test_tables_are_those_of_the_recommendation(pt, name):
    table = g711.samples(pt)
    assert max(table) == pytest.approx({0: 32124 / 32636, 8: 32256 / 32768}[pt])
    assert table[{0: 0x80, 8: 0xAA}[pt]] == max(table)
    assert table[{0: 0x00, 8: 0x2A}[pt]] == min(table)
    assert abs(table[{0: 0xFF, 8: 0xD5}[pt]]) < 3e-4
    assert (np.abs(table[g711.encode(table, pt)] - table) < 3e-5).all()


@pytest.mark.parametrize(("pt", "name"), LAWS)
@pytest.mark.parametrize("level", [-6, -20, -40])
def test_levels_in_dbm0(pt, name, level):
    amplitude = 10 ** ((level - 3.17 + 0.015) / 20)
    packets = sine(200, pt, (1020, amplitude))
    stream = only(talk(200, pt=pt, payload=lambda i: packets[i]))
    assert stream.codec == name
    assert stream.level_dbm0 == pytest.approx(level, abs=0.5)
    assert stream.peak_clipped == 0
    assert stream.silence_share == 0
    assert not stream.silences
    assert all(second.level_dbm0 == pytest.approx(level, abs=0.5) for second in stream.seconds)


@pytest.mark.parametrize(("pt", "name"), LAWS)
def test_clipping(pt, name):
    packets = sine(100, pt, (440, 2.0))
    stream = only(talk(100, pt=pt, payload=lambda i: packets[i]))
    assert stream.peak_clipped > 0.3


@pytest.mark.parametrize("idle", [b"\xff" * 160, b"\x7f" * 160, b"\x00" * 160, b"\xff\x7f" * 80])
def test_silence_of_mu_law(idle):
    speech = babble(100, 0)
    stream = only(talk(1_000, payload=lambda i: idle if i >= 100 else speech[i]))
    assert stream.silence_share == pytest.approx(0.9, abs=0.02)
    assert [round(silence.seconds) for silence in stream.silences] == [18]
    assert stream.seconds[10].level_dbm0 < -65 < stream.seconds[0].level_dbm0


def test_silence_of_a_law_and_of_speech():
    stream = only(talk(500, pt=8, payload=lambda _: b"\xd5" * 160))
    assert stream.silence_share == 1
    assert stream.level_dbm0 is None
    assert stream.constant_payload
    speech = babble(600, 0)
    lively = only(talk(600, payload=lambda i: speech[i]))
    assert lively.silence_share < 0.1
    assert not lively.silences
    assert not lively.constant_payload


def test_the_same_bytes_of_another_codec_are_silence():
    stream = only(talk(500, pt=18, payload=lambda _: bytes(range(20))))
    assert stream.constant_payload
    assert stream.silence_share == 1
    assert len(stream.silences) == 1
    dice = np.random.default_rng(1)
    lively = only(talk(500, pt=18, payload=lambda _: dice.bytes(20)))
    assert not lively.constant_payload
    assert lively.silence_share is None
    assert lively.level_dbm0 is None


def test_encrypted_or_clear():
    dice = np.random.default_rng(1)
    secret = only(talk(1_500, payload=lambda _: dice.bytes(170)))
    assert secret.encrypted is True
    assert secret.level_dbm0 is None
    assert secret.silence_share is None
    assert not secret.tones
    speech = babble(1_500, 0)
    assert only(talk(1_500, payload=lambda i: speech[i])).encrypted is False
    assert only(talk(1_500, payload=lambda _: b"\xff" * 160)).encrypted is False
    assert only(talk(1_500, pt=18, payload=lambda _: dice.bytes(20))).encrypted is None
    assert only(talk(100, payload=lambda _: dice.bytes(170))).encrypted is None


ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


@pytest.mark.parametrize(("pt", "name"), LAWS)
def test_every_key_is_heard(pt, name):
    keys = "123A456B789C*0#D"
    speech, parts = babble(60 * 16, pt), []
    for index, _ in enumerate(keys):
        parts += speech[index * 10 : index * 10 + 10]
        parts += sine(4, pt, (ROWS[index // 4], 0.1), (COLUMNS[index % 4], 0.12))
    stream = only(talk(len(parts), pt=pt, payload=lambda i: parts[i]))
    assert "".join(tone.digit for tone in stream.tones) == keys
    assert all(tone.kind == "dtmf" and tone.duration_ms == pytest.approx(80, abs=21) for tone in stream.tones)
    assert stream.tones[0].start - stream.first == pytest.approx(0.2, abs=0.02)


def test_short_blips_single_tones_and_speech_are_no_keys():
    speech = babble(3_000, 0, 0.3)
    assert not only(talk(3_000, payload=lambda i: speech[i])).tones
    blip = sine(1, 0, (697, 0.1), (1209, 0.1))
    assert not only(talk(60, payload=lambda i: blip[0] if i % 20 == 5 else speech[i])).tones
    single = sine(50, 0, (697, 0.2))
    assert not only(talk(50, payload=lambda i: single[i])).tones
    twisted = sine(50, 0, (697, 0.3), (1209, 0.03))
    assert not only(talk(50, payload=lambda i: twisted[i])).tones
    ringback = sine(100, 0, (440, 0.2), (480, 0.2))
    assert not only(talk(100, payload=lambda i: ringback[i])).tones


def test_the_howl_of_a_handset_beside_a_loudspeaker_is_no_fax():
    time = np.arange(8000) / 8000
    hertz = 1752 + 14 * np.sin(2 * np.pi * 17 * time)
    coded = g711.encode(0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / 8000), 0).tobytes()
    assert not only(talk(50, payload=lambda i: coded[i * 160 : i * 160 + 160])).tones


def test_what_fax_machines_send():
    speech = babble(1_000, 8)
    ced, cng = sine(150, 8, (2100, 0.2)), sine(25, 8, (1100, 0.2))
    parts = speech[:50] + cng + speech[50:200] + cng + speech[200:250] + ced + speech[250:300] + v21_flags(8)
    stream = only(talk(len(parts), pt=8, payload=lambda i: parts[i]))
    assert [tone.kind for tone in stream.tones] == ["cng", "cng", "ced", "v21"]
    assert [tone.duration_ms for tone in stream.tones] == pytest.approx([500, 500, 3000, 1000], abs=40)


def v21_flags(pt: int) -> list[bytes]:
    """A second of HDLC flags at 300 bit/s, channel 2: 1650 Hz for a one, 1850 for a nought."""
    bits = np.tile([0, 1, 1, 1, 1, 1, 1, 0], 40)[:300]
    hertz = np.where(bits[(np.arange(8000) * 300 // 8000)] == 1, 1650.0, 1850.0)
    coded = g711.encode(0.2 * np.sin(2 * np.pi * np.cumsum(hertz) / 8000), pt).tobytes()
    return [coded[i * 160 : i * 160 + 160] for i in range(50)]


def test_tones_survive_loss_and_other_packet_times():
    tone = sine(100, 0, (2100, 0.2))
    assert [
        t.kind
        for t in only(talk(100, payload=lambda i: tone[i])[:40] + talk(100, payload=lambda i: tone[i])[42:]).tones
    ] == ["ced"]
    key = b"".join(sine(30, 0, (852, 0.1), (1477, 0.1)))
    packets = [rtp(i, i * 240, i * 30, key[i * 240 : i * 240 + 240]) for i in range(20)]
    assert [t.digit for t in only(packets).tones] == ["9"]
    packets = [rtp(i, i * 80, i * 10, key[i * 80 : i * 80 + 80]) for i in range(60)]
    assert [t.digit for t in only(packets).tones] == ["9"]


def test_a_lost_packet_makes_no_second_key_and_a_pause_does():
    key, pause = sine(6, 0, (697, 0.1), (1477, 0.1)), sine(2, 0)
    parts = key + pause + key
    packets = talk(len(parts), payload=lambda i: parts[i])
    del packets[2]
    assert [(t.digit, t.duration_ms) for t in only(packets).tones] == [("3", 120), ("3", 120)]


def test_header_extension_and_padding_are_no_audio():
    tone = sine(60, 0, (2100, 0.2))
    plain = talk(60, payload=lambda i: tone[i])
    extended = []
    for packet in plain:
        head, audio = packet.payload[:12], packet.payload[12:]
        more = b"\x00\x00\x00\x07" + b"\xbe\xde\x00\x02" + bytes(8)
        extended.append(type(packet)(packet.time_ns, bytes([0xB1]) + head[1:] + more + audio + b"\x00\x00\x00\x04"))
    stream = only(extended)
    assert [t.kind for t in stream.tones] == ["ced"]
    assert stream.octets == 60 * 160
    assert stream.level_dbm0 == pytest.approx(only(plain).level_dbm0, abs=0.1)


def test_cut_packets_are_counted_without_their_audio():
    packets = [type(p)(p.time_ns, p.payload, cut=150) for p in talk(200)]
    stream = collect(packets).streams[0]
    assert (stream.packets, stream.lost, stream.octets, stream.level_dbm0) == (200, 0, 200 * 160, None)
