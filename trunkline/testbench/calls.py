"""One call of an agent: PJSIP's call object, its media and its signalling facts. placed_call.py and taken_call.py
build on it.
"""

from __future__ import annotations

import time
import wave
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pjsua2 as pj

from trunkline.testbench.call_plan import tone_hz
from trunkline.testbench.endpoint import UserAgent, guarded, send_rtp
from trunkline.testbench.endpoint_options import AccountKey
from trunkline.testbench.result import MediaFigures
from trunkline.testbench.signalling import Signalling
from trunkline.testbench.tone import ToneReading, read_tone
from trunkline.testbench.trace import WireMessage

_DIGIT_MS = 200
"""PJSIP adds 200 ms to its RTP clock for each digit, however long it was, and rtpengine sends digits on by that clock:
shorter ones come late, in bursts and out of order, and the receiver drops some."""
_LINGER = 1.0
"""Seconds to wait for the answer to our BYE or CANCEL."""


class _Owner(Protocol):
    """What PJSIP's call object tells. All but the `stream_` ones come after PJSIP has returned."""

    def answered(self) -> None: ...
    def disconnected(self, sip_reason: str) -> None: ...
    def media_changed(self) -> None: ...
    def digit(self, digit: str) -> None: ...
    def stream_starts(self, stream: int) -> None: ...
    def stream_ends(self) -> None: ...


class AgentCall(pj.Call):  # type: ignore[misc]
    """PJSIP's call. Its callbacks only pass on; see endpoint.py for why."""

    def __init__(self, agent: UserAgent, account: Any, owner: _Owner, call_index: int = -1) -> None:
        super().__init__(account, call_index)
        self.agent = agent
        self.owner: _Owner | None = owner

    @guarded
    def onCallState(self, prm: Any) -> None:  # noqa: N802, ARG002
        info = self.getInfo()
        if self.owner is None:
            return
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.agent.soon(self.owner.answered)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            owner, reason = self.owner, f"{info.lastReason}"
            self.agent.soon(lambda: owner.disconnected(reason))

    @guarded
    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802, ARG002
        if self.owner is not None:
            self.agent.soon(self.owner.media_changed)

    @guarded
    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        if self.owner is not None:
            owner, digit = self.owner, str(prm.digit)
            self.agent.soon(lambda: owner.digit(digit))

    @guarded
    def onStreamCreated(self, prm: Any) -> None:  # noqa: N802
        if self.owner is not None:
            self.owner.stream_starts(int(prm.stream))

    @guarded
    def onStreamDestroyed(self, prm: Any) -> None:  # noqa: N802, ARG002
        if self.owner is not None:
            self.owner.stream_ends()


class OneCall:
    """What placed and received calls share. `source`: echo, none or tone:HZ."""

    def __init__(self, agent: UserAgent, key: AccountKey, record_to: Path | None, listen_hz: float) -> None:
        """`record_to`: path of the WAV file of the answered part; the early part goes beside it, with `.early.wav`."""
        self.agent = agent
        self.key = key
        self.source = "none"
        self.signalling: Signalling | None = None
        self.closed = False
        self.digits = ""
        self._call: AgentCall | None = None
        self._record_to = record_to
        self._listen_hz = listen_hz
        self._recorder: Any = None
        self._recordings: list[Path] = []
        self._early_path = record_to.with_suffix(".early.wav") if record_to is not None else None
        self._confirmed = False
        self._wired: tuple[int, str, Path | None] | None = None
        self._figures = MediaFigures()
        self._stream: int | None = None
        self._sending = True
        self._ended_monotonic: float | None = None
        self._released: float | None = None
        self._reason = ""
        agent.use(key, 1)

    # What PJSIP says

    def answered(self) -> None:
        self._confirmed = True
        self.media_changed()

    def disconnected(self, sip_reason: str) -> None:
        self._reason = sip_reason
        if self._ended_monotonic is None:
            self._ended_monotonic = time.monotonic()
            if self.signalling is not None:
                self.signalling.no_retry()

    def digit(self, digit: str) -> None:
        self.digits += digit

    def stream_starts(self, stream: int) -> None:
        """Before its first packet."""
        self._stream = stream
        self._sending = True
        self._switch_rtp()

    def _switch_rtp(self) -> None:
        wanted = self.source != "none"
        if self._stream is not None and wanted != self._sending:
            send_rtp(self._stream, on=wanted)
            self._sending = wanted

    def stream_ends(self) -> None:
        """The last moment at which the stream's figures can be read."""
        self._stream = None
        if self._call is None or not self._call.hasMedia():
            return
        stat = self._call.getStreamStat(0).rtcp
        received, sent = stat.rxStat, stat.txStat
        stream = self._call.getStreamInfo(0)
        before = self._figures
        self._figures = replace(
            before,
            codec=f"{stream.codecName}/{stream.codecClockRate}",
            srtp=bool(stream.proto & pj.PJMEDIA_TP_PROFILE_SRTP),
            rtp_sent=before.rtp_sent + sent.pkt,
            rtp_received=before.rtp_received + received.pkt,
            rtp_lost=before.rtp_lost + received.loss,
            jitter_ms=round(received.jitterUsec.mean / 1000, 3) if received.pkt else before.jitter_ms,
            round_trip_ms=round(stat.rttUsec.mean / 1000, 3) if stat.rttUsec.n else before.round_trip_ms,
            remote_rtp=str(stream.remoteRtpAddress) or None,
        )

    def media_changed(self) -> None:
        """Connect source and recorder to the call's port; again when PJSIP made a new port or our wishes changed."""
        if self._call is None or not self._is_up():
            return
        info = self._call.getInfo()  # keep it: `info.media` points into it
        if not any(m.type == pj.PJMEDIA_TYPE_AUDIO and m.status == pj.PJSUA_CALL_MEDIA_ACTIVE for m in info.media):
            self._wired = None  # on hold: PJSIP takes the port away, and the next one may have its number
            return
        self._switch_rtp()
        port = self._call.getAudioMedia(-1)
        answered = info.state in (pj.PJSIP_INV_STATE_CONNECTING, pj.PJSIP_INV_STATE_CONFIRMED)
        recording = self._record_to if answered else self._early_path
        wanted = (port.getPortId(), self.source, recording)
        if wanted == self._wired:
            return
        if self._wired is not None and self._wired[0] == wanted[0] and self._wired[1] != self.source:
            self._connect(port, self._wired[1], on=False)
        if self._wired is None or self._wired[:2] != wanted[:2]:
            self._connect(port, self.source, on=True)
        if recording is not None and recording not in self._recordings:
            self._recorder = pj.AudioMediaRecorder()  # the one before goes
            self._recorder.createRecorder(str(recording))
            self._recordings.append(recording)
        if self._recorder is not None:
            port.startTransmit(self._recorder)
        self._wired = wanted

    def _connect(self, port: Any, source: str, *, on: bool) -> None:
        if source == "none":
            return
        speaker = port if source == "echo" else self.agent.tone(tone_hz(source))
        (speaker.startTransmit if on else speaker.stopTransmit)(port)

    def _is_up(self) -> bool:
        """PJSIP still knows the call. One batch of events can confirm it and end it before we act on the first."""
        return self._call is not None and self._ended_monotonic is None and bool(self._call.isActive())

    # What others ask of it

    def send_digits(self, digits: str) -> None:
        """RFC 4733, 200 ms each, queued by PJSIP."""
        if self._call is None or not digits or not self._is_up():
            return
        prm = pj.CallSendDtmfParam()
        prm.method, prm.digits, prm.duration = pj.PJSUA_DTMF_METHOD_RFC2833, digits, _DIGIT_MS
        self._call.sendDtmf(prm)

    def hold(self, *, on: bool) -> None:
        """A re-INVITE: `sendonly`, or `sendrecv` again (RFC 3264 section 8.4)."""
        if self._call is None or not self._confirmed or not self._is_up():
            return
        prm = pj.CallOpParam(True)
        prm.opt.audioCount, prm.opt.videoCount = 1, 0
        if on:
            self._call.setHold(prm)
        else:
            prm.opt.flag = pj.PJSUA_CALL_UNHOLD
            self._call.reinvite(prm)

    def hang_up(self) -> None:
        """BYE or CANCEL, whatever fits; nothing when it is over."""
        if self._call is not None and self._is_up():
            prm = pj.CallOpParam()
            if self._confirmed:
                prm.txOption.headers = header_vector({"Reason": 'Q.850;cause=16;text="Normal call clearing"'})
            self._call.hangup(prm)

    def take(self, message: WireMessage) -> None:
        if self.signalling is not None:
            self.signalling.take(message)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        def if_still_here() -> None:
            if self._ended_monotonic is None and not self.closed:
                action()

        self.agent.after(seconds, if_still_here)

    def received_digits(self) -> str:
        return self.digits

    @property
    def over(self) -> bool:
        """PJSIP has ended it, and what had to come over the wire has come or will not come."""
        if self._ended_monotonic is None:
            return False
        settled = self.signalling is not None and self.signalling.settled
        return settled or time.monotonic() - self._ended_monotonic > _LINGER

    def advance(self) -> bool:
        """Once it is over: let go of PJSIP's objects; when the recordings are written, measure them and be `closed`.

        True: it has just become closed.
        """
        if self.closed or not self.over:
            return False
        if self._released is None:
            self.release()
        # PJSIP removes a port, and with it closes the recorder's file, in a later tick of the media clock.
        waited = time.monotonic() - (self._released or 0.0)
        files = [path for path in self._recordings if not is_written(path)]
        if files and waited < _LINGER:
            return False
        self.closed = True
        early, whole = (self._tone(path) for path in (self._early_path, self._record_to))
        self._figures = replace(self._figures, tone=whole, early_tone=early)
        self._measured()
        return True

    def release(self) -> None:
        """Let go of everything of PJSIP's. Safe to repeat."""
        if self._released is not None:
            return
        self._released = time.monotonic()
        self._recorder = None
        if self._call is not None:
            self._call.owner = None
            self._call = None
        self.agent.use(self.key, -1)

    def _measured(self) -> None:
        """The recordings are read; nobody needs the files any more."""
        for path in self._recordings:
            path.unlink(missing_ok=True)

    def figures(self) -> MediaFigures:
        return replace(self._figures, dtmf_received=self.digits)

    def _tone(self, path: Path | None) -> ToneReading | None:
        if path is None or path not in self._recordings or not is_written(path):
            return None
        return read_tone(path, self._listen_hz)


def is_written(recording: Path) -> bool:
    """Its header has been completed: PJSIP does that when it closes the file."""
    try:
        with wave.open(str(recording), "rb"):
            return True
    except (wave.Error, EOFError, OSError):
        return False


def header_vector(headers: Mapping[str, str]) -> Any:
    vector = pj.SipHeaderVector()
    for name, value in headers.items():
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        vector.append(header)
    return vector
