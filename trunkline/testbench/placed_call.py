"""A call that an agent places: the INVITE and the result."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pjsua2 as pj

from trunkline.testbench.call_plan import CallPlan, tone_hz
from trunkline.testbench.calls import AgentCall, OneCall, header_vector
from trunkline.testbench.endpoint import UserAgent
from trunkline.testbench.endpoint_options import AccountKey
from trunkline.testbench.result import CallResult
from trunkline.testbench.signalling import Signalling
from trunkline.testbench.sip_text import uri_host

_TOO_MANY = 70010
"""PJ_ETOOMANY"""
_NO_PLACE = (
    "this agent's 4 places for calls are taken; an INVITE that nobody answers keeps its place"
    " for 32 s after the hang-up (RFC 3261 timer B)"
)


class PlacedCall(OneCall):
    def __init__(self, agent: UserAgent, plan: CallPlan, key: AccountKey, record_to: Path | None) -> None:
        """Send the INVITE. pj.Error is turned into a result with `failure`."""
        hz = plan.listen_hz or (tone_hz(plan.media) if plan.media.startswith("tone:") else 1000.0)
        super().__init__(agent, key, record_to, hz)
        self.plan = plan
        self.source = plan.media
        self._failure: str | None = None
        try:
            self._call = AgentCall(agent, agent.account(key), self)
            self._call.makeCall(plan.to, self._invite())
            self.signalling = Signalling(self._call.getInfo().callIdString, caller=True)
        except pj.Error as error:
            full = error.status == _TOO_MANY
            self._failure = _NO_PLACE if full else str(error.reason)
            self.disconnected(self._failure)
            return
        self.after(min(plan.give_up_after, plan.cancel_after or plan.give_up_after), self._cancel)

    def _invite(self) -> Any:
        plan = self.plan
        prm = pj.CallOpParam(True)
        prm.opt.audioCount, prm.opt.videoCount = 1, 0
        name = f'"{plan.caller_name}" ' if plan.caller_name else ""
        prm.txOption.localUri = f"{name}<sip:{plan.caller}@{plan.from_host or uri_host(plan.to)}>"
        headers = dict(plan.headers)
        if plan.asserted_identity:
            headers["P-Asserted-Identity"] = f"<{plan.asserted_identity}>"
        prm.txOption.headers = header_vector(headers)
        return prm

    def answered(self) -> None:
        super().answered()
        self.after(self.plan.digits_after, lambda: self.send_digits(self.plan.digits))
        if self.plan.seconds is not None:
            self.after(self.plan.seconds, self.hang_up)

    def _cancel(self) -> None:
        if not self._confirmed:
            self.hang_up()

    def _measured(self) -> None:
        if self.plan.record_to is not None and self._record_to in self._recordings and self._record_to is not None:
            shutil.copyfile(self._record_to, self.plan.record_to)
        super()._measured()

    def result(self) -> CallResult:
        """The call so far; `finished` once it is closed."""
        told = self.signalling or Signalling("", caller=True)
        silent = self.closed and told.sip_status is None
        return CallResult(
            call_id=told.call_id,
            ruri=self.plan.to,
            next_hop=f"{self.key.next_hop};transport={self.key.transport}",
            caller=self.plan.caller,
            finished=self.closed,
            sip_status=told.sip_status,
            sip_reason=told.sip_reason,
            twilio_error=told.twilio_error,
            reason_header=told.reason_header,
            challenges=told.challenges,
            credentials_sent=told.credentials_sent,
            answers=tuple(told.answers),
            timeline=told.timeline(),
            ended_by=told.ended_by,
            failure=self._failure or (self._reason or "no final response" if silent else None),
            media=self.figures(),
        )
