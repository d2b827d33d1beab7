"""A PBX with one fault that places one call, over UDP and by hand: `trunkline call --fault NAME`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from trunkline.testbench.fault_audio import FaultAudio
from trunkline.testbench.fault_carrier import GOES_AWAY_AFTER, PRIVATE, faulty_sdp
from trunkline.testbench.faults import ChosenFault
from trunkline.testbench.pcap import PcapWriter
from trunkline.testbench.ping import parse_target
from trunkline.testbench.raw_agent import Dialog, RawAgent, media_address
from trunkline.testbench.sip_text import SipText

TICK = 0.005
DIGIT_SECONDS = 0.2
ANSWER_WITHIN = 40.0


@dataclass(frozen=True, slots=True)
class FaultyCall:
    """The call to place."""

    to: str
    """Request-URI."""
    via: str
    """Where to send it; `transport=udp` only."""
    caller: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    seconds: float = 3.0
    digits: str = "159"


@dataclass(slots=True)
class FaultyResult:
    """What became of it."""

    call_id: str
    sip_status: int = 0
    """Final status of the INVITE; 0: none came."""
    sip_reason: str = ""
    ended_by: str = ""
    """caller, callee, or nobody."""
    rtp_sent: int = 0
    rtp_received: int = 0


def place_faulty_call(
    call: FaultyCall, fault: ChosenFault, *, host: str = "127.0.0.1", capture: PcapWriter | None = None
) -> FaultyResult:
    """Place it and wait until it is over. ValueError for a transport that is not UDP, OSError without a network."""
    target = parse_target(call.via)
    if target.transport != "udp":
        raise ValueError("calls with a fault go over UDP: --transport udp")
    with RawAgent((target.host, target.port), host=host, agent="Trunkline faulty PBX", capture=capture) as agent:
        return _Caller(agent, call, fault).place()


class _Caller:
    def __init__(self, agent: RawAgent, call: FaultyCall, fault: ChosenFault) -> None:
        self.agent, self.call, self.fault = agent, call, fault
        self.dialog: Dialog = agent.new_dialog(call.to, call.caller)
        self.result = FaultyResult(self.dialog.call_id)

    def place(self) -> FaultyResult:
        try:
            answer = self._invite()
        except TimeoutError:
            return self.result
        self.result.sip_status, self.result.sip_reason = answer.sip_status, answer.sip_reason
        if answer.sip_status >= 300:
            self.agent.ack(self.dialog, answer)
            return self.result
        if not self.fault.is_("lost-ack"):
            self.agent.ack(self.dialog, answer)
        self._talk(answer)
        return self.result

    def _invite(self) -> SipText:
        """The final answer. TimeoutError when none comes."""
        self._send_invite()
        answer = self.agent.final(self.dialog, within=ANSWER_WITHIN)
        if answer.sip_status in (401, 407) and self.call.username is not None:
            self.agent.ack(self.dialog, answer)
            self.agent.authorize(self.dialog, answer, "INVITE", self.call.username, self.call.password or "")
            if self.fault.is_("wrong-cseq"):
                self.dialog.cseq -= 1
                self.agent.received.clear()
            self._send_invite()
            answer = self.agent.final(self.dialog, within=ANSWER_WITHIN)
        return answer

    def _send_invite(self) -> None:
        contact = f"sip:pbx@{PRIVATE}:5060" if self.fault.is_("private-contact") else None
        message = self.agent.request(self.dialog, "INVITE", body=faulty_sdp(self.agent, self.fault), contact=contact)
        for _ in range(round(self.fault.value) if self.fault.is_("retransmission-storm") else 1):
            self.agent.send(message)

    def _talk(self, answer: SipText) -> None:
        audio = FaultAudio(self.agent, self.fault)
        try:
            audio.to = media_address(answer)
        except ValueError:
            audio.to = None
        begun = time.monotonic()
        seconds = 45.0 if self.fault.is_("lost-ack") else self.call.seconds
        digits = list(self.call.digits)
        seen = len(self.agent.received)
        try:
            while (now := time.monotonic()) < begun + seconds:
                self.agent.poll(TICK)
                if self.fault.is_("no-bye") and now > begun + GOES_AWAY_AFTER:
                    self.result.ended_by = "nobody"
                    continue  # for the capture: what the other side does about it
                if self._hung_up(seen):
                    self.result.ended_by = "callee"
                    return
                seen = len(self.agent.received)
                audio.step(now, self._digit(now - begun, digits, audio))
            if self.result.ended_by != "nobody":
                self.agent.send(self.agent.request(self.dialog, "BYE"))
                self.agent.final(self.dialog, "BYE")
                self.result.ended_by = "caller"
        except TimeoutError:
            self.result.ended_by = "nobody"
        finally:
            audio.close()
            self.result.rtp_sent, self.result.rtp_received = audio.sent, len(self.agent.rtp_received)

    def _hung_up(self, seen: int) -> bool:
        for message in self.agent.received[seen:]:
            if message.is_request and message.method != "ACK":
                self.agent.respond(message, 200)
                if message.method == "BYE":
                    return True
        return False

    def _digit(self, since: float, digits: list[str], audio: FaultAudio) -> str:
        """Sends the digits in the fault's way, one each 0.4 s from 0.5 s on; the one that is to be heard now."""
        place = int((since - 0.5) / (2 * DIGIT_SECONDS)) if since >= 0.5 else -1
        sent = len(self.call.digits) - len(digits)
        if not 0 <= place < len(self.call.digits):
            return ""
        if self.fault.is_("dtmf-in-band"):
            return self.call.digits[place] if (since - 0.5) % (2 * DIGIT_SECONDS) < DIGIT_SECONDS else ""
        if place >= sent:
            self._send_digit(digits.pop(0), audio)
        return ""

    def _send_digit(self, digit: str, audio: FaultAudio) -> None:
        if self.fault.is_("dtmf-info"):
            body = f"Signal={digit}\r\nDuration=160\r\n".encode()
            self.agent.send(self.agent.request(self.dialog, "INFO", body=body, content_type="application/dtmf-relay"))
        else:
            audio.event(digit, 96 if self.fault.is_("dtmf-wrong-payload-type") else 101)
