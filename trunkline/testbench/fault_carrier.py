"""A carrier with one fault, over UDP and by hand: `trunkline carrier --fault NAME`.

One call at a time; others get 486.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from trunkline.testbench.fault_audio import FaultAudio
from trunkline.testbench.faults import ChosenFault
from trunkline.testbench.pcap import PcapWriter
from trunkline.testbench.raw_agent import Datagram, Dialog, RawAgent, media_address
from trunkline.testbench.sip_text import SipText, uri_user

PRIVATE = "10.11.12.13"
RING_SECONDS = 0.3
GOES_AWAY_AFTER = 1.5
"""Seconds from the answer to the middle of the call."""
ANSWER_AGAIN = 0.5
TICK = 0.01


@dataclass(slots=True)
class _Call:
    invite: SipText
    dialog: Dialog
    answer_at: float
    answered_at: float | None = None
    acknowledged: bool = False
    canceled: bool = False
    answer_again_at: float = 0.0
    away: bool = False
    bye_sent: bool = False
    log: dict[str, object] = field(default_factory=dict)


class FaultCarrier:
    def __init__(
        self, fault: ChosenFault, *, host: str = "127.0.0.1", port: int = 0, capture: PcapWriter | None = None
    ) -> None:
        """OSError when the port is taken."""
        self.fault = fault
        self.agent = RawAgent((host, 9), host=host, port=port, agent="Trunkline faulty carrier", capture=capture)
        self.agent.keep_rtp = False
        self._call: _Call | None = None
        self._audio: FaultAudio | None = None
        self.calls: list[dict[str, object]] = []
        """What became of each call."""

    def close(self) -> None:
        if self._audio is not None:
            self._audio.close()
        self.agent.close()

    def run(self, stopped: Callable[[], bool]) -> None:
        """Until `stopped` says so; it is asked every 10 ms."""
        while not stopped():
            for datagram in self.agent.poll(TICK):
                self.take(datagram)
            self.agent.received.clear()
            self.agent.raw_received.clear()
            self.agent.sent.clear()
            self.step(time.monotonic())

    # ---- what comes -------------------------------------------------------------------------------------------------

    def take(self, datagram: Datagram) -> None:
        sip = datagram.sip
        self.agent.peer = datagram.peer
        call = self._call
        if call is not None and call.away:
            return
        if not sip.is_request:
            return
        if sip.method == "INVITE":
            self._invite(sip)
        elif sip.method == "OPTIONS":
            self.agent.respond(sip, 200)
        elif call is None or sip.first("Call-ID") != call.dialog.call_id:
            if sip.method != "ACK":
                self.agent.respond(sip, 481, "Call/Transaction Does Not Exist")
        elif sip.method == "ACK":
            call.acknowledged = True
        elif sip.method == "CANCEL":
            self._cancel(sip, call)
        elif sip.method == "BYE":
            self.agent.respond(sip, 200)
            self._over("caller")
        else:
            self.agent.respond(sip, 200)

    def _invite(self, sip: SipText) -> None:
        call = self._call
        if call is not None and sip.first("Call-ID") == call.dialog.call_id:
            if ";tag=" in sip.first("To"):  # a re-INVITE
                self.agent.respond(sip, 200, body=self._sdp())
            return
        if call is not None:
            self.agent.respond(sip, 486, "Busy Here", tag="busy")
            return
        dialog = self.agent.taken(sip)
        self._call = call = _Call(sip, dialog, time.monotonic() + RING_SECONDS)
        call.log = {"event": "invite", "call_id": dialog.call_id, "called": uri_user(sip.ruri)}
        if self.fault.is_("refuse-488"):
            self._refuse(488, "Not Acceptable Here", 'Warning: 304 carrier.invalid "Incompatible media format"\r\n')
        elif self.fault.is_("session-interval-422") and _offered_interval(sip) < 1800:
            self._refuse(422, "Session Interval Too Small", "Min-SE: 1800\r\n")
        else:
            self.agent.respond(sip, 100, "Trying")
            self.agent.respond(sip, 180, "Ringing", tag=dialog.local_tag, contact=self._contact())
            if self.fault.is_("late-200"):
                call.answer_at = time.monotonic() + self.fault.value

    def _cancel(self, sip: SipText, call: _Call) -> None:
        self.agent.respond(sip, 200, tag=call.dialog.local_tag)
        call.canceled = True
        if call.answered_at is None and not self.fault.is_("late-200"):
            self.agent.respond(call.invite, 487, "Request Terminated", tag=call.dialog.local_tag)
            self._over("canceled")

    def _refuse(self, status: int, reason: str, headers: str) -> None:
        assert self._call is not None
        self.agent.respond(self._call.invite, status, reason, tag=self._call.dialog.local_tag, headers=headers)
        self._over(str(status))

    # ---- what time brings -------------------------------------------------------------------------------------------

    def step(self, now: float) -> None:
        call = self._call
        if call is None:
            return
        if call.answered_at is None:
            if now >= call.answer_at:
                self._answer(call, now)
            return
        if call.away:
            if now > call.answered_at + GOES_AWAY_AFTER + 8:
                self._over("gone")
            return
        if self._audio is not None:
            self._audio.step(now)
        if not call.acknowledged and now >= call.answer_again_at:
            self._send_answer(call, now)
        if self.fault.is_("no-bye") and now > call.answered_at + GOES_AWAY_AFTER:
            call.away = True
        if self.fault.is_("session-expires-drop") and not call.bye_sent and now > call.answered_at + self.fault.value:
            call.bye_sent = True
            reason = 'Reason: SIP;cause=408;text="Session timer expired"\r\n'
            self.agent.send(self.agent.request(call.dialog, "BYE", headers=reason))
            self._over("callee")
        elif not call.acknowledged and now > call.answered_at + 32:
            self.agent.send(self.agent.request(call.dialog, "BYE"))
            self._over("no ACK")

    def _answer(self, call: _Call, now: float) -> None:
        call.answered_at = now
        for _ in range(round(self.fault.value) if self.fault.is_("retransmission-storm") else 1):
            self._send_answer(call, now)
        self._audio = FaultAudio(self.agent, self.fault)
        try:
            self._audio.to = media_address(call.invite)
        except ValueError:
            self._audio.to = None

    def _send_answer(self, call: _Call, now: float) -> None:
        headers = (
            "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n" if self.fault.is_("session-expires-drop") else ""
        )
        contact, tag = self._contact(), call.dialog.local_tag
        self.agent.respond(call.invite, 200, tag=tag, headers=headers, body=self._sdp(), contact=contact)
        call.answer_again_at = now + ANSWER_AGAIN

    def _contact(self) -> str:
        return f"sip:carrier@{PRIVATE}:5060" if self.fault.is_("private-contact") else self.agent.contact

    def _sdp(self) -> bytes:
        return faulty_sdp(self.agent, self.fault)

    def _over(self, how: str) -> None:
        assert self._call is not None
        sent = self._audio.sent if self._audio is not None else 0
        self.calls.append({**self._call.log, "ended": how, "rtp_sent": sent})
        if self._audio is not None:
            self._audio.close()
            self._audio = None
        self._call = None


def faulty_sdp(agent: RawAgent, fault: ChosenFault) -> bytes:
    """This agent's SDP, with what its fault does to it."""
    if fault.is_("private-sdp"):
        return agent.sdp(host=PRIVATE)
    if fault.is_("dtmf-in-band"):
        return agent.sdp(formats="0 8")
    if fault.is_("malformed-sdp"):
        return f"v=0\r\no=- 1 1 IN IP4 {agent.host}\r\ns=-\r\nt=0 0\r\nm=audio {agent.rtp_port}\r\n".encode()
    return agent.sdp()


def _offered_interval(invite: SipText) -> int:
    found = re.match(r"\d+", invite.first("Session-Expires"))
    return int(found.group()) if found else 0


def serve(carrier: FaultCarrier, stopped: Callable[[], bool]) -> int:
    """The program: JSON lines on standard output, as the other agents print them."""

    def say(line: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    agent = carrier.agent
    uri = f"sip:{agent.literal}:{agent.port};transport=udp"
    say({"event": "ready", "sip_uris": {"udp": uri}, "fault": carrier.fault.name})
    said = 0

    def told() -> bool:
        nonlocal said
        for call in carrier.calls[said:]:
            say(call | {"event": "ended"})
        said = len(carrier.calls)
        return stopped()

    carrier.run(told)
    carrier.close()
    return 0
