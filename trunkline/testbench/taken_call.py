"""A call that an agent received: what a behaviour acts on (behaviours.ReceivedCall)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pjsua2 as pj

from trunkline.testbench.behaviours import Q850_CAUSES, Behaviour
from trunkline.testbench.call_plan import check_media
from trunkline.testbench.calls import AgentCall, OneCall, header_vector
from trunkline.testbench.endpoint import UserAgent
from trunkline.testbench.endpoint_options import AccountKey
from trunkline.testbench.result import SeenInvite
from trunkline.testbench.signalling import Signalling
from trunkline.testbench.sip_text import SipText, uri_user


class TakenCall(OneCall):
    """A received call: what a behaviour acts on (behaviours.ReceivedCall)."""

    def __init__(
        self,
        agent: UserAgent,
        key: AccountKey,
        account: Any,
        prm: Any,
        invite: SipText,
        behaviour: Behaviour,
        record_to: Path | None,
        listen_hz: float,
    ) -> None:
        super().__init__(agent, key, record_to, listen_hz)
        self._call = AgentCall(agent, account, self, prm.callId)
        self._behaviour = behaviour
        self._invite = invite
        self._source_address = f"{key.transport}:{prm.rdata.srcAddress}"
        self._at = time.time()
        self.signalling = Signalling(invite.first("Call-ID"), caller=False, caller_tag=invite.from_tag)
        self.signalling.started_at = self._at
        agent.soon(lambda: behaviour.invited(self))

    def ring(self, sip_status: int = 180) -> None:
        self._respond(sip_status)

    def early(self, media: str) -> None:
        self._speak(media)
        self._respond(183)

    def answer(self, media: str) -> None:
        self._speak(media)
        self._respond(200)

    def refuse(self, sip_status: int, headers: Mapping[str, str]) -> None:
        cause = Q850_CAUSES.get(sip_status)
        extra = {"Reason": f"Q.850;cause={cause}"} if cause is not None and "Reason" not in headers else {}
        self._respond(sip_status, {**extra, **headers})

    def digit(self, digit: str) -> None:
        super().digit(digit)
        self._behaviour.digit(self, digit)

    def _speak(self, media: str) -> None:
        check_media(media)
        self.source = media
        self.media_changed()

    def _respond(self, sip_status: int, headers: Mapping[str, str] | None = None) -> None:
        if self._call is None or not self._is_up():
            return
        prm = pj.CallOpParam(True)
        prm.statusCode = sip_status
        prm.opt.audioCount, prm.opt.videoCount = 1, 0
        prm.txOption.headers = header_vector(headers or {})
        self._call.answer(prm)

    def seen(self) -> SeenInvite:
        told, invite = self.signalling, self._invite
        assert told is not None
        return SeenInvite(
            at=round(self._at, 3),
            call_id=told.call_id,
            caller=uri_user(invite.first("From")),
            called=uri_user(invite.ruri),
            ruri=invite.ruri,
            from_header=invite.first("From"),
            to_header=invite.first("To"),
            asserted_identity=invite.first("P-Asserted-Identity") or None,
            headers=invite.headers,
            source=self._source_address,
            secure="RTP/SAVP" in invite.body,
            answered=told.answered_at is not None,
            sip_status=told.sip_status,
            cancelled=told.ended_by == "caller" and told.answered_at is None,
            ended=self.closed,
            ended_by=told.ended_by,
            timeline=told.timeline(),
            media=self.figures(),
        )
