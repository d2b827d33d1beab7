"""What Kamailio loads. One short method per question of kamailio.cfg; no decisions (core), no KSR (ksr.py).

Runs inside Kamailio's Python: standard library, core and its three neighbours. Kamailio loads this file once before
it forks,
calls `child_init` in every process, and then one method per message. An exception that left a method would leave the
caller without an answer, so each entry has the one broad `except` of the call path.
"""

from __future__ import annotations

import gc
import json
import locale
import os
import random
import sqlite3
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import KSR  # there only inside Kamailio

from trunkline.core import media
from trunkline.core.caller_id import user_and_host
from trunkline.core.cause import Cause, error_header
from trunkline.core.decision import TERMINATION, Challenge, Reject, Relay, advance
from trunkline.core.failover import Failure, Next, after_failure
from trunkline.core.invite import Invite
from trunkline.core.policy import Policy
from trunkline.core.reason_header import q850_cause
from trunkline.core.route import decide
from trunkline.core.route_token import route_token
from trunkline.core.sid import new_sid
from trunkline.core.sip_uri import bracketed
from trunkline.engines.kamailio import events
from trunkline.engines.kamailio.ksr import MalformedRequest, Message
from trunkline.engines.kamailio.routing import RoutingDb
from trunkline.engines.kamailio.spool import Spool

_compact = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
SIDS_AT_ONCE = 64


class Edge:
    """The call path's Python: one instance per process, state that the fork shares is read-only."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._edge: str = settings["edge"]
        self._host = bracketed(self._edge.rpartition(":")[0])
        self._spool = Spool(Path(settings["spool"]))
        self._routing_path = Path(settings["routing_db"])
        self._routing: RoutingDb | None = None
        self._route_keys: tuple[str, str] = (settings["route_key"], settings["route_outer_key"])
        self._message = Message(KSR, settings["inner_port"], settings["front_port"], settings["hop_secret"])
        # A secret of this start: nonces that an earlier start gave out are stale, so an answer of then
        # cannot be replayed.
        self._policy = Policy(
            realm=settings["realm"],
            domain_suffixes=tuple(settings["domain_suffixes"]),
            own_hosts=frozenset(settings["own_hosts"]),
            nonce_secret=os.urandom(32),
            nonce_lifetime=settings["nonce_lifetime"],
            no_funds_status=settings["no_funds_status"],
        )
        self._dice = random.SystemRandom()
        self._sids: list[str] = []
        self._write({"e": "edge_started", "at": time.time(), "edge": self._edge, "pid": os.getpid()}, time.time())

    # ---- Kamailio's entries -----------------------------------------------------------------------------------------

    def child_init(self, rank: int) -> int:
        # What the start has left is there for good: the collector need not look at it, nor the kernel copy
        # it page by page.
        gc.freeze()
        return 0

    def on_invite(self, _message: object) -> int:
        """1: relay it. -1: answer what was left."""
        now = time.time()
        sid = self._new_sid()
        try:
            invite = self._message.invite("INVITE", sid)
            decision = self._decide(invite, now)
            if isinstance(decision, Relay):
                self._relay(decision, invite, sid, now)
                return 1
            if isinstance(decision, Challenge):
                self._message.refuse(decision.status, decision.reason, decision.headers)
                if decision.repeatable:
                    self._message.repeat_challenge(decision.headers[0][1], now)
            else:
                self._reject(decision, invite, sid, now)
        except MalformedRequest as problem:
            self._malformed(sid, str(problem), now)
        except Exception:
            self._bug()
        return -1

    def on_register(self, _message: object) -> int:
        now = time.time()
        try:
            decision = self._decide(self._message.invite("REGISTER", ""), now)
            if isinstance(decision, Reject):
                self._message.refuse(decision.sip_status, decision.reason, decision.headers)
                self._write(
                    {
                        "e": "alert",
                        "at": now,
                        "edge": self._edge,
                        "code": decision.error_code,
                        "level": decision.cause.level,
                        "text": decision.explanation,
                        "source": self._message.lenient("si"),
                        "account": decision.account_sid,
                        "trunk": decision.trunk_sid,
                        "seen": {"method": "REGISTER", "ruri": self._message.lenient("ru")},
                    },
                    now,
                )
            elif isinstance(decision, Challenge):
                self._message.refuse(decision.status, decision.reason, decision.headers)
        except MalformedRequest as problem:
            self._refuse_malformed(str(problem))
        except Exception:
            self._bug()
        return 1

    def on_attempt_failed(self, _message: object) -> int:
        """Failure route: the attempt has its final answer, or none came."""
        try:
            message = self._message
            failure = Failure(
                status=message.number("$T_reply_code"),
                reason=message.lenient("T_reply_reason") or "",
                local=bool(message.number("$var(local)")),
                replied=bool(message.number("$var(replied)")),
                ringing=message.number("$avp(rang)") == 1,
                early_media=message.number("$avp(early)") == 1,
                canceled=bool(message.number("$var(canceled)")),
            )
            self._failed(failure, q850_cause(message.lenient("T_rpl($hdr(Reason))")))
        except Exception:
            self._bug()
        return 1

    def on_send_failed(self, _message: object) -> int:
        """The attempt could not even be sent: no connection, no such host."""
        try:
            self._failed(Failure(status=477, reason="could not be sent", local=True), None)
        except Exception:
            self._bug()
        return 1

    # kamailio.cfg gives these their facts as words of which each is ASCII, and has checked that the token is
    # one of ours.

    def on_ringing(self, _message: object, facts: str) -> int:
        return self._tell(events.ringing, facts)

    def on_answered(self, _message: object, facts: str) -> int:
        return self._tell(events.answered, facts)

    def on_bye(self, _message: object, facts: str) -> int:
        return self._tell(events.bye, facts)

    def _tell(self, event: Callable[..., str], facts: str) -> int:
        try:
            now = time.time()
            self._append(event(now, *facts.split(" ")), now)
        except Exception:
            self._log_bug()
        return 1

    # ---- what they share --------------------------------------------------------------------------------------------

    def _new_sid(self) -> str:
        if not self._sids:
            self._sids = [new_sid("CA", os.urandom(16)) for _ in range(SIDS_AT_ONCE)]
        return self._sids.pop()

    def _decide(self, invite: Invite, now: float) -> Challenge | Reject | Relay:
        first_use = self._message.first_use
        try:
            return decide(invite, self._routing_at(now), self._policy, now, self._dice, first_use)
        except sqlite3.Error:
            # The file was replaced or damaged and made anew: open it again once.
            if self._routing is not None:
                self._routing.close()
                self._routing = None
            return decide(invite, self._routing_at(now), self._policy, now, self._dice, first_use)

    def _routing_at(self, now: float) -> RoutingDb:
        if self._routing is None:
            self._routing = RoutingDb(self._routing_path)
        self._routing.refresh(now)
        return self._routing

    def _relay(self, relay: Relay, invite: Invite, sid: str, now: float) -> None:
        message = self._message
        token = route_token(self._route_keys, sid, relay.media_mode, int(now), invite.call_id, invite.from_tag)
        asserted = f"sip:{relay.caller}@{self._host}" if relay.direction == TERMINATION else None
        message.start(relay, sid, token, asserted)
        if relay.replace_caller_id is not None:
            host = user_and_host(invite.from_header_uri)[1]
            message.rewrite_from(f"sip:{relay.replace_caller_id}@{bracketed(host) if host else self._host}")
        behind_nat = message.sdp_is_behind_nat()
        if behind_nat or relay.media_mode != media.PLAIN:
            message.relay_media_with(
                media.rtpengine_flags(relay.media_mode, sender_is_caller=True, is_offer=True, behind_nat=behind_nat),
                media.rtpengine_flags(relay.media_mode, sender_is_caller=False, is_offer=False, behind_nat=False),
            )
        self._append(events.relayed(self._edge, relay, invite, sid, now), now)
        for alert in relay.alerts:
            self._write(
                {
                    "e": "alert",
                    "at": now,
                    "edge": self._edge,
                    "sid": sid,
                    "code": alert.code,
                    "level": alert.level,
                    "text": alert.text,
                    "source": invite.source_ip,
                    "account": relay.account_sid,
                    "trunk": relay.trunk_sid,
                    "seen": {},
                },
                now,
            )

    def _reject(self, reject: Reject, invite: Invite, sid: str, now: float) -> None:
        self._message.refuse(reject.sip_status, reject.reason, reject.headers)
        self._write(
            {
                **events.received(self._edge, invite, sid, now),
                "direction": reject.direction,
                "caller": reject.caller,
                "called": reject.called,
                "account": reject.account_sid,
                "trunk": reject.trunk_sid,
                "verdict": "reject",
                "cause": reject.cause.name,
                "status": reject.sip_status,
                "code": reject.error_code,
                "text": reject.explanation,
            },
            now,
        )

    def _malformed(self, sid: str, detail: str, now: float) -> None:
        cause = Cause.MALFORMED_REQUEST
        self._refuse_malformed(detail)
        proto = (self._message.lenient("proto") or "").lower()
        source = f"{proto}:{self._message.lenient('si')}:{self._message.number('$sp')}"
        self._write(
            {
                "e": "invite",
                "sid": sid,
                "at": now,
                "edge": self._edge,
                "direction": "trunking-terminating",
                "secure": False,
                "call_id": self._message.lenient("ci"),
                "from_tag": self._message.lenient("ft"),
                "source": source,
                "ruri": self._message.lenient("ru"),
                "caller": "",
                "called": "",
                "account": None,
                "trunk": None,
                "user_agent": self._message.lenient("ua"),
                "verdict": "reject",
                "cause": cause.name,
                "status": cause.sip_status,
                "code": cause.code,
                "text": detail,
            },
            now,
        )

    def _refuse_malformed(self, detail: str) -> None:
        cause = Cause.MALFORMED_REQUEST
        header = error_header(cause.code, cause.value.text.format(detail=detail))
        self._message.refuse(cause.sip_status, cause.reason, () if header is None else (header,))

    def _failed(self, failure: Failure, q850: int | None) -> None:
        now = time.time()
        plan = self._message.plan()
        verdict = after_failure(failure, plan.direction, len(plan.remaining), plan.best)
        goes_on = isinstance(verdict, Next)
        self._write(
            {
                "e": "attempt_failed",
                "sid": plan.call_sid,
                "n": plan.n,
                "at": now,
                "code": failure.status,
                "reason": failure.reason,
                "local": failure.local,
                "q850": q850,
                "canceled": failure.canceled,
                "next": goes_on,
                "why": verdict.why,
            },
            now,
        )
        if isinstance(verdict, Next):
            plan = advance(plan, verdict.best)
            self._message.go(plan)
            self._write({"e": "attempt", "sid": plan.call_sid, "at": now, **events.attempt(plan)}, now)
            return
        cause = verdict.cause
        header = error_header(cause.code, cause.value.text) if cause is not None else None
        # Kamailio would turn a 503 that it passes on into 500 (RFC 3261 section 16.7).
        own_word = verdict.status == failure.status and not failure.local and failure.status != 503
        if failure.canceled or (own_word and header is None):
            self._message.let_through()
        else:
            self._message.refuse(verdict.status, verdict.reason, () if header is None else (header,))
        self._write(
            {
                "e": "final",
                "sid": plan.call_sid,
                "at": now,
                "code": verdict.status,
                "reason": verdict.reason,
                "canceled": failure.canceled,
                "cause": cause.name if cause else None,
                "error_code": cause.code if cause else None,
            },
            now,
        )

    def _write(self, event: dict[str, object], now: float) -> None:
        self._append(_compact(event), now)

    def _append(self, event: str, now: float) -> None:
        if not self._spool.append(event, now):
            KSR.log("err", f"spool: event lost ({self._spool.lost} so far): {event[:120]}\n")

    def _bug(self) -> None:
        """Silence is worse than 500: the caller would retransmit, and fail again each time."""
        self._log_bug()
        cause = Cause.PLATFORM_BUG
        self._message.refuse(cause.sip_status, cause.reason, ())

    @staticmethod
    def _log_bug() -> None:
        KSR.log("err", "script: " + " | ".join(traceback.format_exc().splitlines()) + "\n")


def mod_init() -> Edge:
    """Kamailio calls this once, before it forks."""
    # Kamailio compiles its regular expressions after this. In a UTF-8 locale the C library matches them, byte for byte
    # the same, in twice the time; Python has taken from the locale what it wants.
    locale.setlocale(locale.LC_CTYPE, "C")
    with open(os.environ["TRUNKLINE_EDGE_FILE"], encoding="utf-8") as file:
        return Edge(json.load(file))
