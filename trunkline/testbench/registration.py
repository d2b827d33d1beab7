"""REGISTER, only when asked: what a PBX with a dynamic address would send."""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.testbench.trace import WireMessage


@dataclass(slots=True)
class Registration:
    """One REGISTER and what came back. Matched by its domain, until the agent is asked for another one."""

    domain: str
    sip_status: int | None = None
    """The last final answer; a challenge that PJSIP answers is followed by another."""
    sip_reason: str = ""
    twilio_error: str | None = None
    challenges: int = 0
    credentials_sent: bool = False
    statuses: list[int] = field(default_factory=list)

    def take(self, message: WireMessage) -> None:
        sip = message.sip
        if sip.method != "REGISTER" or f"@{self.domain}" not in sip.first("To"):
            return
        if sip.is_request:
            if message.sent:
                self.credentials_sent |= bool(sip.first("Authorization") or sip.first("Proxy-Authorization"))
            return
        if message.sent or sip.sip_status < 200:
            return
        self.statuses.append(sip.sip_status)
        self.challenges += sip.sip_status in (401, 407)
        self.sip_status, self.sip_reason = sip.sip_status, sip.sip_reason
        self.twilio_error = sip.first("X-Twilio-Error") or None
