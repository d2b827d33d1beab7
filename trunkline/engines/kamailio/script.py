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
from dataclasses import replace
from pathlib import Path
from typing import Any

import KSR  # there only inside Kamailio

from trunkline.core import media
from trunkline.core.caller_id import user_and_host
from trunkline.core.cause import Cause
from trunkline.core.cause_row import error_header
from trunkline.core.decision import TERMINATION, Challenge, Decision, MayRegister, Reject, Relay
from trunkline.core.defence import Offence
from trunkline.core.failover import Failure
from trunkline.core.invite import Invite
from trunkline.core.offered_codecs import lacks_g711
from trunkline.core.policy import Policy
from trunkline.core.reason_header import q850_cause
from trunkline.core.route import decide
from trunkline.core.route_token import route_token
from trunkline.core.sid import RANDOM_BYTES, new_sids
from trunkline.core.sip_uri import bracketed
from trunkline.engines.kamailio import events
from trunkline.engines.kamailio.bans import Bans
from trunkline.engines.kamailio.call_book import CallBook
from trunkline.engines.kamailio.hidden_calls import HiddenCalls
from trunkline.engines.kamailio.hiding import Hiding, OwnAddresses
from trunkline.engines.kamailio.hunt import Hunt
from trunkline.engines.kamailio.ksr import MalformedRequest, Message
from trunkline.engines.kamailio.names import DnsCache
from trunkline.engines.kamailio.no_ack import end_unacknowledged, end_where_refused
from trunkline.engines.kamailio.overload import Overload
from trunkline.engines.kamailio.refusals import Refusals
from trunkline.engines.kamailio.registrar import Registrar
from trunkline.engines.kamailio.routing import RoutingDb
from trunkline.engines.kamailio.spool import Spool

_compact = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
SIDS_AT_ONCE = 64
FIRST_WORKER = 1
"""Kamailio's rank of the first SIP worker."""


class Edge:
    """The call path's Python: one instance per process, state that the fork shares is read-only."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._edge: str = settings["edge"]
        self._host = bracketed(self._edge.rpartition(":")[0])
        self._address: tuple[str, int] = (settings["own_address"], settings["own_port"])
        self._spool = Spool(
            Path(settings["spool"]), lambda now: _compact(events.spool_full(self._edge, now)), self._event_lost
        )
        self._append = self._spool.append
        self._routing_path = Path(settings["routing_db"])
        self._carrier_state = Path(settings["carrier_state"])
        self._routing: RoutingDb | None = None
        self._route_keys: tuple[str, str] = (settings["route_key"], settings["route_outer_key"])
        self._message = Message(
            KSR,
            settings["inner_port"],
            settings["front_port"],
            settings["hop_secret"],
            both_families=settings["both_families"],
        )
        self._registrar = Registrar(KSR, self._message, Path(settings["registrations_db"]))
        self._bans = Bans(
            KSR.htable,
            frozenset((*settings["own_hosts"], "127.0.0.1", "::1")),
            settings["ban_seconds"],
            settings["front_socket"],
            self._write,
        )
        self._hides: bool = settings["hides_topology"]
        self._hiding = Hiding(
            KSR,
            bytes.fromhex(settings["hiding_key"]),
            OwnAddresses(
                settings["plain_addresses"],
                settings["secure_addresses"],
                str(settings["inner_port"]),
                f"sip:127.0.0.1:{settings['front_port']};transport=tcp",
                settings["both_families"],
            ),
        )
        self._policy = _policy(settings, self._host)
        self._book = CallBook(Path(settings["call_book"]))
        self._book.recount(time.time())
        hidden = HiddenCalls(KSR, self._hiding, self._tell, self.on_bye, self._log_bug)
        self.on_reply, self.hide_reply = hidden.on_reply, hidden.hide_reply
        self.hide_in_dialog, self.hide_sdp = hidden.hide_in_dialog, hidden.hide_sdp
        names = DnsCache(KSR, tuple(settings["address_records"]), time.time)
        self._hunt = Hunt(self._message, self._hiding, self._book, self._policy, self._routing_at, self._write, names)
        self.on_load = Overload(KSR, settings["own_port"], settings["sip_workers"], self._log_bug).look
        self._refusals = Refusals(
            self._message, self._bans, self._book, self._policy, self._edge,
            self._routing_at, self._write, self._log_bug,
        )  # fmt: skip
        self._dice = random.SystemRandom()
        self._sids: list[str] = []
        self._terminating_account: str | None = None
        """Of the INVITE in hand, where it goes to the PSTN."""
        self._write({"e": "edge_started", "at": time.time(), "edge": self._edge, "pid": os.getpid()}, time.time())

    # ---- Kamailio's entries -----------------------------------------------------------------------------------------

    def child_init(self, rank: int) -> int:
        # What the start has left is there for good: the collector need not look at it, nor the kernel copy
        # it page by page.
        gc.freeze()
        if rank != FIRST_WORKER:
            self._spool.forget_waiting()
        return 0

    def on_invite(self, _message: object) -> int:
        """1: relay it. -1: answer what was left."""
        now = time.time()
        sid = self._new_sid()
        try:
            invite = self._message.invite("INVITE", sid)
            decision = self._decide(invite, now)
            if isinstance(decision, Relay) and decision.targets[0].named:
                decision = self._hunt.located(decision, invite)
                if isinstance(decision, Reject):
                    self._book.end(sid)
            if isinstance(decision, Relay):
                self._message.assert_clean_lines()
                self._message.assert_sdp()
                self._relay(decision, invite, sid, now)
                if invite.authorization is not None:
                    self._bans.welcome(invite.source_ip, now)
                return 1
            if isinstance(decision, Challenge):
                if self._bans.challenged(invite.source_ip, invite.user_agent, self._routing_at(now), now):
                    self._message.drop()
                    return -1
                self._message.refuse(decision.status, decision.reason, decision.headers)
                if decision.repeatable:
                    self._message.repeat_challenge(decision.headers[0][1], now)
            elif isinstance(decision, Reject):
                self._reject(decision, invite, sid, now)
                self._offended(decision.cause, invite.source_ip, invite.user_agent, now)
        except MalformedRequest as problem:
            self._book.end(sid)
            self._malformed(sid, str(problem), now)
            self._offended(Cause.MALFORMED_REQUEST, self._message.lenient("var(source)") or "", None, now)
        except Exception:
            self._book.end(sid)
            self._refusals.bug_in_invite(sid, now)
        return -1

    def on_refused(self, _message: object, facts: str) -> int:
        return self._refusals.refuse(facts, self._new_sid)

    def on_register(self, _message: object) -> int:
        now = time.time()
        try:
            invite = self._message.invite("REGISTER", "")
            decision = self._decide(invite, now)
            if isinstance(decision, Reject):
                self._offended(decision.cause, invite.source_ip, invite.user_agent, now)
                self._message.refuse(decision.sip_status, decision.reason, decision.headers)
                self._write(events.refused_register(self._edge, decision, invite, now), now)
            elif isinstance(decision, Challenge):
                if self._bans.challenged(invite.source_ip, invite.user_agent, self._routing_at(now), now):
                    self._message.drop()
                else:
                    self._message.refuse(decision.status, decision.reason, decision.headers)
            elif isinstance(decision, MayRegister):
                self._registrar.answer(decision, invite, now)
                if invite.authorization is not None:
                    self._bans.welcome(invite.source_ip, now)
        except MalformedRequest as problem:
            self._refuse_malformed(str(problem))
        except Exception:
            self._refusals.bug()
        return 1

    def on_source(self, _message: object, source: str) -> int:
        """Whether this address is somebody's: the answer goes into the table `friend`."""
        return self._quietly(lambda: self._bans.is_somebodys(source, self._routing_at(time.time())))

    def on_offence(self, _message: object, facts: str) -> int:
        """kamailio.cfg has seen an offence; `facts`: its name and the source."""
        try:
            name, source = facts.split(" ")
            now = time.time()
            self._bans.note(Offence[name], source, self._message.lenient("ua"), self._routing_at(now), now)
        except Exception:
            self._log_bug()
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
                progressed=message.number("$avp(heard)") == 1,
                ringing=message.number("$avp(rang)") == 1,
                early_media=message.number("$avp(early)") == 1,
                canceled=bool(message.number("$var(canceled)")),
            )
            contact = message.lenient("T_rpl($hdr(Contact))") if 300 <= failure.status < 400 else None
            if failure.status in (415, 488, 606):
                failure = replace(failure, no_common_codec=lacks_g711(message.lenient("rb") or ""))
            retry_after = message.lenient("T_rpl($hdr(Retry-After))") if failure.status == 503 else None
            self._hunt.failed(failure, q850_cause(message.lenient("T_rpl($hdr(Reason))")), contact, retry_after)
        except Exception:
            self._refusals.bug_in_attempt()
        return 1

    def on_send_failed(self, _message: object) -> int:
        """The attempt could not even be sent: no connection, no such host."""
        try:
            if self._message.number("$avp(unanchored)"):
                failure = Failure(status=503, reason="no media relay", local=True, no_media_relay=True)
            else:
                failure = Failure(status=477, reason="could not be sent", local=True)
            self._hunt.failed(failure, None)
        except Exception:
            self._refusals.bug_in_attempt()
        return 1

    # kamailio.cfg gives these their facts as words of which each is ASCII, and has checked that the token is
    # one of ours.

    def on_ringing(self, _message: object, facts: str) -> int:
        return self._tell(events.ringing, facts)

    def on_answered(self, _message: object, facts: str) -> int:
        return self._tell(events.answered, facts)

    def on_no_ack(self, _message: object, facts: str) -> int:
        """The table `noack` of kamailio.cfg has let go of a call whose ACK never passed."""
        self._tell(events.ended, f"{facts.partition(' ')[0]} {Cause.NO_ACK.name}")
        return self._quietly(lambda: end_unacknowledged(self._address, facts))

    def on_bye_refused(self, _message: object, facts: str) -> int:
        return self._quietly(lambda: end_where_refused(self._address, facts))

    def on_bye(self, _message: object, facts: str) -> int:
        try:
            self._book.end("CA" + facts[:32])  # kamailio.cfg has checked the MAC over it
        except Exception:
            self._log_bug()
        return self._tell(events.bye, facts)

    def on_diversion(self, _message: object) -> int:
        """An INVITE that is about to be relayed has Diversion; what of it may go on is left where not all may."""
        account = self._terminating_account
        if account is None:
            return 1
        check = self._message.check_diversion
        return self._quietly(lambda: check(self._policy, self._routing_at(time.time()), account))

    def _quietly(self, step: Callable[[], object]) -> int:
        try:
            step()
        except Exception:
            self._log_bug()
        return 1

    def _tell(self, event: Callable[..., str], facts: str) -> int:
        try:
            now = time.time()
            self._append(event(now, *facts.split(" ")), now)
        except Exception:
            self._log_bug()
        return 1

    def _offended(self, cause: Cause, source: str, agent: str | None, now: float) -> None:
        self._bans.refused(cause, source, agent, self._routing_at(now), now)

    # ---- what they share --------------------------------------------------------------------------------------------

    def _new_sid(self) -> str:
        if not self._sids:
            self._sids = new_sids("CA", os.urandom(SIDS_AT_ONCE * RANDOM_BYTES))
        return self._sids.pop()

    def _decide(self, invite: Invite, now: float) -> Decision:
        first_use = self._message.first_use
        try:
            return decide(invite, self._routing_at(now), self._policy, now, self._dice, first_use, self._book)
        except sqlite3.Error:
            # The file was replaced or damaged and made anew: open it again once.
            if self._routing is not None:
                self._routing.close()
                self._routing = None
            return decide(invite, self._routing_at(now), self._policy, now, self._dice, first_use, self._book)

    def _routing_at(self, now: float) -> RoutingDb:
        if self._routing is None:
            self._routing = RoutingDb(self._routing_path, self._registrar.registrations, self._carrier_state)
        self._routing.refresh(now)
        return self._routing

    def _relay(self, relay: Relay, invite: Invite, sid: str, now: float) -> None:
        message = self._message
        token = route_token(self._route_keys, sid, relay.media_mode, int(now), invite.call_id, invite.from_tag)
        terminates = relay.direction == TERMINATION
        asserted = f"sip:{relay.caller}@{self._host}" if terminates else None
        self._terminating_account = relay.account_sid if terminates else None
        terms = relay.targets[0].terms
        own_identity = terms is not None and terms.own_identity
        if own_identity:
            asserted = "-"  # kamailio.cfg: each target's headers say it
        message.start(relay, sid, token, asserted)
        if relay.replace_caller_id is not None and not own_identity:
            host = user_and_host(invite.from_header_uri)[1]
            message.rewrite_from(f"sip:{relay.replace_caller_id}@{bracketed(host) if host else self._host}")
        behind_nat = message.sdp_is_behind_nat()
        if behind_nat or relay.media_mode != media.PLAIN:
            message.relay_media_with(
                media.rtpengine_flags(relay.media_mode, sender_is_caller=True, is_offer=True, behind_nat=behind_nat),
                media.rtpengine_flags(relay.media_mode, sender_is_caller=False, is_offer=False, behind_nat=False),
            )
        if self._hides:
            renamed = own_identity or relay.replace_caller_id is not None
            shown = invite.from_header_uri if renamed else ""
            self._hiding.invite(message.arrived, invite.call_id, invite.from_tag, token, shown)
        self._append(events.relayed(self._edge, relay, invite, sid, now), now)
        for alert in relay.alerts:
            self._write(events.warning(self._edge, alert, relay, invite, sid, now), now)

    def _reject(self, reject: Reject, invite: Invite, sid: str, now: float) -> None:
        self._message.refuse(reject.sip_status, reject.reason, reject.headers)
        self._write(events.rejected(self._edge, reject, invite, sid, now), now)

    def _malformed(self, sid: str, detail: str, now: float) -> None:
        self._refuse_malformed(detail)
        self._refusals.record_unread(Cause.MALFORMED_REQUEST, sid, detail, now)

    def _refuse_malformed(self, detail: str) -> None:
        cause = Cause.MALFORMED_REQUEST
        header = error_header(cause.code, cause.value.text.format(detail=detail))
        self._message.refuse(cause.sip_status, cause.reason, () if header is None else (header,))

    def _write(self, event: dict[str, object], now: float) -> None:
        self._append(_compact(event), now)

    @staticmethod
    def _event_lost(event: str, lost: int) -> None:
        if lost & (lost - 1) == 0:  # the 1st, 2nd, 4th, 8th …: a full disk must not fill the log
            KSR.log("err", f"spool: event lost ({lost} so far): {event[:120]}\n")

    @staticmethod
    def _log_bug() -> None:
        KSR.log("err", "script: " + " | ".join(traceback.format_exc().splitlines()) + "\n")


def _policy(settings: dict[str, Any], advertised_host: str) -> Policy:
    return Policy(
        realm=settings["realm"],
        domain_suffixes=tuple(settings["domain_suffixes"]),
        own_hosts=frozenset(settings["own_hosts"]),
        # A secret of this start: nonces that an earlier start gave out are stale, so an answer of then cannot be
        # replayed.
        nonce_secret=os.urandom(32),
        nonce_lifetime=settings["nonce_lifetime"],
        no_funds_status=settings["no_funds_status"],
        no_answer_after=settings["ring_seconds"],
        setup_seconds=settings["setup_seconds"],
        cheapest_first=settings["cheapest_first"],
        advertised_host=advertised_host,
        own_ports=frozenset(settings["own_ports"]),
    )


def mod_init() -> Edge:
    """Kamailio calls this once, before it forks."""
    # Kamailio compiles its regular expressions after this. In a UTF-8 locale the C library matches them, byte for byte
    # the same, in twice the time; Python has taken from the locale what it wants.
    locale.setlocale(locale.LC_CTYPE, "C")
    with open(os.environ["TRUNKLINE_EDGE_FILE"], encoding="utf-8") as file:
        return Edge(json.load(file))
