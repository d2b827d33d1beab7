"""A large capture with known faults, and the truth about it: `python -m bench.big_capture OUT.pcap [PACKETS] [SEED]`.

Calls of a PBX behind a trunk: SIP with digest, then RTP both ways, 50 calls at a time, each with one fault of
`FAULTS`. Written call group by call group, so that ten million packets need no more memory than half a million. The
truth is put beside it as OUT.json.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trunkline.analyzer.media import g711

Array = npt.NDArray[Any]
FAULTS: Final = (
    "none",
    "random_loss",
    "burst_loss",
    "duplicates",
    "captured_twice",
    "reordering",
    "jitter",
    "silence",
    "events",
    "one_way",
    "comfort_noise",
    "wrap",
    "inband_tones",
    "skew",
    "restart",
    "both_lose",
)
PACKETS_A_CALL: Final = 5_000
AT_ONCE: Final = 50
PBX: Final = "192.0.2.10"
PROVIDER: Final = "198.51.100.20"
USER: Final = "trunk-0001"
PASSWORD: Final = "a password of the bench"  # noqa: S105 - for digests that check out
_START: Final = 1_700_000_000
_AUDIO: Final = 160
_VOICES: Final = 1_000


@dataclass(slots=True)
class StreamTruth:
    """What is known of one direction."""

    ssrc: str
    src: str
    dst: str
    payload_type: int
    packets: int
    lost: int
    duplicates: int = 0
    captured_twice: int = 0
    events: str = ""
    tones: str = ""


@dataclass(slots=True)
class CallTruth:
    call_id: str
    fault: str
    streams: list[StreamTruth] = field(default_factory=list)


@dataclass(slots=True)
class _Records:
    """Frames of one length: time in µs, and the bytes behind the pcap record's header, as (n, length)."""

    time: Array
    frame: Array


@dataclass(slots=True)
class _Side:
    """One direction while it is made."""

    source: tuple[str, int]
    target: tuple[str, int]
    ssrc: int
    payload_type: int
    time: Array
    """µs."""
    sequence: Array
    stamp: Array
    voice: Array
    """Row of the voices; -1: silence."""
    truth: StreamTruth
    extra: list[_Records] = field(default_factory=list)


def _voices(dice: np.random.Generator, law: int) -> Array:
    """Packets of speech-like noise: loud and quiet by turns, with a spectrum that falls. (1000, 160) bytes."""
    noise = dice.standard_normal(_VOICES * _AUDIO + 8)
    soft = np.convolve(noise, np.ones(8) / 8, "valid")[: _VOICES * _AUDIO]
    slow = np.repeat(np.abs(np.sin(np.arange(_VOICES) / 7.0)) ** 2 * (np.arange(_VOICES) % 150 < 100), _AUDIO)
    return g711.encode(soft * (slow * 0.35 + 0.0005), law).reshape(_VOICES, _AUDIO)


def _tone_rows(low: int, high: int, law: int) -> Array:
    """100 ms of a DTMF pair, as (5, 160) bytes."""
    time = np.arange(5 * _AUDIO) / 8000
    signal = 0.2 * (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time))
    return g711.encode(signal, law).reshape(5, _AUDIO)


def _ip(text: str) -> bytes:
    return bytes(int(part) for part in text.split("."))


def header(source: tuple[str, int], target: tuple[str, int], payload: int, dscp: int) -> bytes:
    """Ethernet, IPv4 and UDP; identification and checksum are 0."""
    ethernet = bytes.fromhex("020000000001020000000002") + b"\x08\x00"
    ip = bytes([0x45, dscp << 2]) + (28 + payload).to_bytes(2, "big") + bytes([0, 0, 0x40, 0, 64, 17, 0, 0])
    ports = source[1].to_bytes(2, "big") + target[1].to_bytes(2, "big")
    return ethernet + ip + _ip(source[0]) + _ip(target[0]) + ports + (8 + payload).to_bytes(2, "big") + b"\x00\x00"


def _rtp_frames(side: _Side, type_byte: Array, sequence: Array, stamp: Array, payload: Array) -> Array:
    """Frames of one size, as (n, 54 + size)."""
    count, size = len(sequence), payload.shape[1]
    frame = np.empty((count, 54 + size), np.uint8)
    frame[:, :42] = np.frombuffer(header(side.source, side.target, 12 + size, 46), np.uint8)
    frame[:, 18:20] = (sequence & 0xFFFF).astype(">u2").view(np.uint8).reshape(-1, 2)
    frame[:, 42] = 0x80
    frame[:, 43] = type_byte
    frame[:, 44:46] = (sequence & 0xFFFF).astype(">u2").view(np.uint8).reshape(-1, 2)
    frame[:, 46:50] = (stamp & 0xFFFFFFFF).astype(">u4").view(np.uint8).reshape(-1, 4)
    frame[:, 50:54] = np.frombuffer(side.ssrc.to_bytes(4, "big"), np.uint8)
    frame[:, 54:] = payload
    return frame


class _Group:
    """Calls that run at the same time."""

    def __init__(self, dice: np.random.Generator, voices: dict[int, Array]) -> None:
        self.dice, self.voices = dice, voices
        self.records: list[_Records] = []
        self.truth: list[CallTruth] = []

    def call(self, number: int, start: int, packets: int) -> None:
        """`start`: µs; `packets`: RTP in each direction."""
        fault = FAULTS[number % len(FAULTS)]
        law = g711.PCMA if number % 5 == 4 else g711.PCMU
        call = CallTruth(f"call-{number:06d}@{PBX}", fault)
        own, far = (PBX, 10_000 + 2 * (number % 5_000)), (PROVIDER, 30_000 + 2 * (number % 10_000))
        talk = start + 1_200_000
        sides = [self._side(own, far, law, talk, packets)]
        if fault != "one_way":
            sides.append(self._side(far, own, law, talk + 7_000, packets))
        for index, side in enumerate(sides):
            if index == len(sides) - 1 or fault == "both_lose":
                getattr(self, f"_{fault}", lambda _: None)(side)
            self._finish(side)
            call.streams.append(side.truth)
        self._sip(call.call_id, number, start, talk + packets * 20_000, own[1], far[1], law)
        self.truth.append(call)

    def _side(self, source: tuple[str, int], target: tuple[str, int], law: int, start: int, packets: int) -> _Side:
        ssrc = int(self.dice.integers(1, 1 << 32))
        index = np.arange(packets)
        src, dst = (f"{host}:{port}" for host, port in (source, target))
        truth = StreamTruth(f"0x{ssrc:08x}", src, dst, law, packets, 0)
        return _Side(
            source,
            target,
            ssrc,
            law,
            start + index * 20_000 + np.abs(self.dice.normal(0, 300, packets)).astype(np.int64),
            int(self.dice.integers(0, 20_000)) + index,
            int(self.dice.integers(0, 1 << 32)) + index * _AUDIO,
            (int(self.dice.integers(0, _VOICES)) + index) % _VOICES,
            truth,
        )

    @staticmethod
    def _keep(side: _Side, rows: Array) -> None:
        side.time, side.sequence, side.stamp, side.voice = (
            side.time[rows],
            side.sequence[rows],
            side.stamp[rows],
            side.voice[rows],
        )

    def _drop(self, side: _Side, gone: Array) -> None:
        gone[0] = gone[-1] = False
        side.truth.lost += int(gone.sum())
        self._keep(side, np.flatnonzero(~gone))

    def _random_loss(self, side: _Side) -> None:
        self._drop(side, self.dice.random(len(side.time)) < 0.02)

    _both_lose = _random_loss

    def _burst_loss(self, side: _Side) -> None:
        gone = np.zeros(len(side.time), bool)
        for start in self.dice.integers(10, max(11, len(gone) - 40), 8).tolist():
            gone[start : start + int(self.dice.integers(3, 20))] = True
        self._drop(side, gone)

    def _copy(self, side: _Side, share: float, late: int) -> int:
        rows = np.flatnonzero(self.dice.random(len(side.time)) < share)
        every = np.concatenate((np.arange(len(side.time)), rows))
        delay = np.concatenate((np.zeros(len(side.time), np.int64), np.full(len(rows), late)))
        self._keep(side, every)
        side.time = side.time + delay
        return len(rows)

    def _duplicates(self, side: _Side) -> None:
        side.truth.duplicates = self._copy(side, 0.01, 27_000)

    def _captured_twice(self, side: _Side) -> None:
        side.truth.captured_twice = self._copy(side, 0.5, 60)

    def _reordering(self, side: _Side) -> None:
        late = self.dice.random(len(side.time)) < 0.01
        late[-2:] = False
        side.time = side.time + late * 25_000

    def _jitter(self, side: _Side) -> None:
        side.time = side.time + np.abs(self.dice.normal(0, 9_000, len(side.time))).astype(np.int64)

    def _silence(self, side: _Side) -> None:
        side.voice[len(side.voice) // 20 :] = -1

    def _wrap(self, side: _Side) -> None:
        side.sequence = side.sequence - side.sequence[0] + 65_536 - len(side.sequence) // 2

    def _skew(self, side: _Side) -> None:
        side.time = side.time[0] + ((side.time - side.time[0]) * (1 + 600e-6)).astype(np.int64)

    def _restart(self, side: _Side) -> None:
        half = len(side.sequence) // 2
        side.sequence = side.sequence.copy()
        side.sequence[half:] += 30_000
        side.stamp = side.stamp.copy()
        side.stamp[half:] += 1 << 30

    def _inband_tones(self, side: _Side) -> None:
        side.truth.tones = "159"
        side.voice = side.voice.copy()
        for index in range(3):
            at = (index + 1) * len(side.voice) // 5
            side.voice[at : at + 5] = _VOICES + 5 * index + np.arange(5)

    def _comfort_noise(self, side: _Side) -> None:
        """Every other 2 s are silent: one packet of comfort noise, and nothing until the talk goes on."""
        index = np.arange(len(side.time))
        quiet = index % 200 >= 100
        first = np.flatnonzero(quiet & (index % 200 == 100))
        number = side.sequence[0] + np.cumsum(~quiet | (index % 200 == 100)) - 1
        payload = np.full((len(first), 1), 60, np.uint8)
        frames = _rtp_frames(side, np.full(len(first), 13), number[first], side.stamp[first], payload)
        side.extra.append(_Records(side.time[first], frames))
        side.sequence = number
        self._keep(side, np.flatnonzero(~quiet))

    def _events(self, side: _Side) -> None:
        """Five keys of 160 ms: eight packets each and two more ends, in place of the audio."""
        side.truth.events = "12345"
        taken = np.zeros(len(side.time), bool)
        for key in range(5):
            at = (key + 1) * len(side.time) // 7
            rows = np.arange(at, at + 10)
            taken[rows] = True
            duration = np.minimum(np.arange(1, 11), 8) * _AUDIO
            payload = np.zeros((10, 4), np.uint8)
            payload[:, 0] = key + 1
            payload[:, 1] = np.where(np.arange(10) >= 7, 0x8A, 0x0A)
            payload[:, 2:] = duration.astype(">u2").view(np.uint8).reshape(-1, 2)
            types = np.where(np.arange(10) == 0, 0x80 | 101, 101)
            stamp = np.full(10, side.stamp[at])
            side.extra.append(_Records(side.time[rows], _rtp_frames(side, types, side.sequence[rows], stamp, payload)))
        self._keep(side, np.flatnonzero(~taken))

    def _finish(self, side: _Side) -> None:
        quiet = np.full((1, _AUDIO), 0xFF if side.payload_type == g711.PCMU else 0xD5, np.uint8)
        sounds = np.concatenate((self.voices[side.payload_type], quiet))
        voice = np.where(side.voice < 0, len(sounds) - 1, side.voice)
        types = np.full(len(side.time), side.payload_type)
        types[0] |= 0x80
        frames = _rtp_frames(side, types, side.sequence, side.stamp, sounds[voice])
        self.records += [_Records(side.time, frames), *side.extra]
        side.truth.packets = sum(len(record.time) for record in (*side.extra, self.records[-1 - len(side.extra)]))

    def _sip(self, call_id: str, number: int, start: int, end: int, own: int, far: int, law: int) -> None:
        for time, outgoing, text in sip_dialog(call_id, number, start, end, own, far, law):
            source, target = ((PBX, 5060), (PROVIDER, 5060)) if outgoing else ((PROVIDER, 5060), (PBX, 5060))
            message = text.encode()
            frame = np.frombuffer(header(source, target, len(message), 24) + message, np.uint8)
            self.records.append(_Records(np.array([time]), frame[None, :]))


def _digest(nonce: str, uri: str) -> str:
    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    return md5(f"{md5(f'{USER}:{PROVIDER}:{PASSWORD}')}:{nonce}:{md5(f'INVITE:{uri}')}")


def sip_dialog(
    call_id: str, number: int, start: int, end: int, own: int, far: int, law: int
) -> Iterator[tuple[int, bool, str]]:
    """Time in µs, whether the PBX sends it, and the message: a call that is challenged, answered and ended."""
    uri = f"sip:+1555{number:07d}@{PROVIDER}"
    nonce = hashlib.sha256(call_id.encode()).hexdigest()[:32]
    body = {True: _sdp(PBX, own, law), False: _sdp(PROVIDER, far, law)}
    asked = f'realm="{PROVIDER}", nonce="{nonce}"'
    answer = f'username="{USER}", {asked}, uri="{uri}", response="{_digest(nonce, uri)}"'
    proof, challenge = f"Proxy-Authorization: Digest {answer}\r\n", f"Proxy-Authenticate: Digest {asked}\r\n"

    def message(first: str, sequence: str, tag: bool, branch: int, more: str = "", sdp: str = "") -> str:
        to = f"To: <{uri}>{f';tag=to{number}' if tag else ''}\r\n"
        kind = "Content-Type: application/sdp\r\n" if sdp else ""
        via = f"Via: SIP/2.0/UDP {PBX}:5060;branch=z9hG4bK{number}-{branch};rport\r\nMax-Forwards: 70\r\n"
        parties = f"From: <sip:+15550001000@{PROVIDER}>;tag=from{number}\r\n{to}Contact: <sip:pbx@{PBX}:5060>\r\n"
        head = f"{first}\r\n{via}{parties}Call-ID: {call_id}\r\nCSeq: {sequence}\r\nUser-Agent: bench\r\n"
        return f"{head}{more}{kind}Content-Length: {len(sdp)}\r\n\r\n{sdp}"

    yield start, True, message(f"INVITE {uri} SIP/2.0", "1 INVITE", False, 1, sdp=body[True])
    yield start + 20_000, False, message("SIP/2.0 407 Proxy Authentication Required", "1 INVITE", True, 1, challenge)
    yield start + 21_000, True, message(f"ACK {uri} SIP/2.0", "1 ACK", True, 1)
    yield start + 25_000, True, message(f"INVITE {uri} SIP/2.0", "2 INVITE", False, 2, proof, body[True])
    yield start + 40_000, False, message("SIP/2.0 100 Trying", "2 INVITE", False, 2)
    yield start + 300_000, False, message("SIP/2.0 180 Ringing", "2 INVITE", True, 2)
    yield start + 1_150_000, False, message("SIP/2.0 200 OK", "2 INVITE", True, 2, sdp=body[False])
    yield start + 1_155_000, True, message(f"ACK {uri} SIP/2.0", "2 ACK", True, 3)
    yield end + 100_000, True, message(f"BYE {uri} SIP/2.0", "3 BYE", True, 4)
    yield end + 120_000, False, message("SIP/2.0 200 OK", "3 BYE", True, 4)


def _sdp(host: str, port: int, law: int) -> str:
    name = "PCMU" if law == g711.PCMU else "PCMA"
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {law} 13 101\r\n"
        f"a=rtpmap:{law} {name}/8000\r\na=rtpmap:13 CN/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
    )


def _laid_out(records: list[_Records]) -> Array:
    """The frames of a group by time, with their pcap headers, as bytes."""
    time = np.concatenate([record.time for record in records])
    size = np.concatenate([np.full(len(record.time), record.frame.shape[1]) for record in records])
    order = np.argsort(time, kind="stable")
    place = np.empty(len(order), np.int64)
    ends = np.cumsum(size[order] + 16)
    place[order] = ends - size[order] - 16
    out = np.empty(int(ends[-1]), np.uint8)
    begin = 0
    for record in records:
        at = place[begin : begin + len(record.time)]
        begin += len(record.time)
        count, width = record.frame.shape
        head = np.empty((count, 4), "<u4")
        head[:, 0], head[:, 1], head[:, 2], head[:, 3] = record.time // 1_000_000, record.time % 1_000_000, width, width
        whole = np.concatenate((head.view(np.uint8).reshape(count, 16), record.frame), axis=1)
        kind = np.dtype((np.void, width + 16))
        np.ndarray((len(out) - width - 15,), kind, out, 0, (1,))[at] = (
            np.ascontiguousarray(whole).view(kind).reshape(-1)
        )
    return out


def write(path: Path, packets: int = 1_000_000, seed: int = 1) -> list[CallTruth]:
    """About `packets` packets (one call has 5,000 of them, shorter ones when there are fewer than 200 calls' worth).
    Gives the truth.
    """
    calls = max(len(FAULTS), packets // PACKETS_A_CALL)
    each = max(100, packets // calls // 2 - 5)
    dice = np.random.default_rng(seed)
    keys = ((697, 1209), (770, 1336), (852, 1477))
    voices = {
        law: np.concatenate([_voices(dice, law), *(_tone_rows(low, high, law) for low, high in keys)])
        for law in (g711.PCMU, g711.PCMA)
    }
    truth: list[CallTruth] = []
    start = _START * 1_000_000
    with path.open("wb") as file:
        file.write(
            bytes.fromhex("d4c3b2a1020004000000000000000000")
            + (262_144).to_bytes(4, "little")
            + (1).to_bytes(4, "little")
        )
        for first in range(0, calls, AT_ONCE):
            group = _Group(dice, voices)
            for number in range(first, min(calls, first + AT_ONCE)):
                group.call(number, start + int(dice.integers(0, 4_000_000)), each)
            _laid_out(group.records).tofile(file)
            truth += group.truth
            start += each * 20_000 + 10_000_000
    path.with_suffix(".json").write_text(json.dumps({"seed": seed, "calls": [asdict(call) for call in truth]}))
    return truth


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 3:
        sys.stderr.write("use: python -m bench.big_capture OUT.pcap [PACKETS] [SEED]\n")
        return 2
    path = Path(arguments[0])
    numbers = [int(text) for text in arguments[1:]]
    truth = write(path, *numbers)
    sys.stdout.write(
        f"{path}: {path.stat().st_size / 1e6:.0f} MB, {len(truth)} calls, truth in {path.with_suffix('.json')}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
