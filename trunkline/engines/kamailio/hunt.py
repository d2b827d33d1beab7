"""A failed attempt in the SIP worker: once more with credentials, to the next target, or the caller's answer.

Runs inside Kamailio: standard library, core and its neighbours only. What it decides by: core/failover.py,
core/carrier_digest.py, core/carrier_rest.py, core/carrier_room.py, core/host_name.py, core/redirect.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from random import SystemRandom

from trunkline.core import carrier_digest
from trunkline.core.barred_target import is_barred
from trunkline.core.carrier_rest import rest_seconds
from trunkline.core.carrier_room import with_room
from trunkline.core.cause import Cause
from trunkline.core.cause_row import error_header
from trunkline.core.decision import TERMINATION, Plan, Reject, Relay, Target, advance, again
from trunkline.core.failover import Failure, Next, Stop, after_failure
from trunkline.core.host_name import Names, each_address, without_other_addresses
from trunkline.core.invite import Invite
from trunkline.core.policy import Policy
from trunkline.core.redirect import follow
from trunkline.core.refusal import Case
from trunkline.engines.kamailio import events
from trunkline.engines.kamailio.call_book import CallBook
from trunkline.engines.kamailio.hiding import Hiding
from trunkline.engines.kamailio.ksr import Message
from trunkline.engines.kamailio.routing import RoutingDb

Write = Callable[[dict[str, object], float], None]


class Hunt:
    def __init__(
        self,
        message: Message,
        hiding: Hiding,
        book: CallBook,
        policy: Policy,
        routing_at: Callable[[float], RoutingDb],
        write: Write,
        names: Names,
    ) -> None:
        """`write`: an event and its time."""
        self._names, self._dice = names, SystemRandom()
        self._message, self._hiding, self._book = message, hiding, book
        self._policy, self._routing_at, self._write = policy, routing_at, write

    def located(self, relay: Relay, invite: Invite) -> Relay | Reject:
        """The call with the addresses of its first target, whose host is a name; refused where none may be called."""
        targets = self._each_address(relay.targets)
        if targets:
            return replace(relay, targets=targets)
        case = Case(invite)
        case.direction, case.account_sid, case.trunk_sid = relay.direction, relay.account_sid, relay.trunk_sid
        case.caller, case.called = relay.caller, relay.called
        return case.refuse(Cause.NO_ORIGINATION_URL)

    def _each_address(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """The first target once for each of its addresses where its host is a name, and the others. A customer's name
        for a carrier's address, or for ours, is passed over (`barred_target`).
        """
        while targets and targets[0].named and targets[0].next_hop is None:
            found = each_address(targets, self._names, self._dice)
            addresses = found[: len(found) - len(targets) + 1]
            allowed = [one for one in addresses if not self._leads_home(one)]
            if allowed:
                return (replace(allowed[0], other_address=False), *allowed[1:], *targets[1:])
            targets = targets[1:]
        return targets

    def _leads_home(self, target: Target) -> bool:
        if target.carrier_sid is not None or target.next_hop is None:
            return False
        return is_barred(target.next_hop, target.transport, self._routing_at(time.time()), self._policy)

    def failed(
        self, failure: Failure, q850: int | None, contact: str | None = None, retry_after: str | None = None
    ) -> None:
        """Leave the verdict to kamailio.cfg, and the next target with it. `contact`: of a redirect."""
        now = time.time()
        plan = self._message.plan()
        if failure.status in (401, 407) and plan.direction == TERMINATION and not failure.local:
            answered = self._with_credentials(plan, failure.status, now)
            if isinstance(answered, Plan):
                self._hiding.move_cseq()
                self._message.go(answered)
                return
            failure = replace(failure, refused=answered)
        plan = without_other_addresses(plan, failure)
        redirected = follow(plan, failure, contact, self._policy)
        if redirected is not None:
            to = redirected.remaining[0]
            if is_barred(to.ruri, to.transport, self._routing_at(now), self._policy):
                redirected = None
        plan = redirected or plan
        verdict = self._verdict(failure, plan, now)
        if isinstance(verdict, Next):
            remaining = with_room(plan.remaining, plan.call_sid, self._book, now, plan.current)
            plan = replace(plan, remaining=self._each_address(remaining))
            if not plan.remaining:
                verdict = self._verdict(failure, plan, now)
        event = _attempt_failed(plan, failure, verdict, q850, now, redirected=redirected is not None)
        rest = rest_seconds(failure, retry_after)
        if rest and self._rest(plan, rest, now):
            event["why"] = f"{event['why']}; it asks for {rest} s without calls"
        self._write(event, now)
        if isinstance(verdict, Next):
            plan = advance(plan, verdict.best)
            self._message.go(plan)
            self._write({"e": "attempt", "sid": plan.call_sid, "at": now, **events.attempt(plan)}, now)
        else:
            self._book.end(plan.call_sid)
            self._answer(plan, failure, verdict, now)

    def _verdict(self, failure: Failure, plan: Plan, now: float) -> Next | Stop:
        began = self._message.began()
        time_is_up = began is not None and now - began >= self._policy.setup_seconds
        return after_failure(failure, plan.direction, len(plan.remaining), plan.best, time_is_up=time_is_up)

    def _rest(self, plan: Plan, seconds: int, now: float) -> bool:
        """New calls pass this target over. Not where only one of its addresses said so, and another may do."""
        target = plan.current
        if target.carrier_sid is None or (plan.remaining and plan.remaining[0].other_address):
            return False
        self._routing_at(now).rest(target.target_sid, now + seconds, now)
        return True

    def _with_credentials(self, plan: Plan, status: int, now: float) -> Plan | str:
        """The attempt with the answer to the carrier's challenge, once; or why there is none."""
        target = plan.current
        carrier = self._routing_at(now).carrier(target.carrier_sid) if target.carrier_sid else None
        if target.terms is None or not target.terms.credentials or carrier is None:
            return "no credentials are set for it"
        if target.terms.authorized:
            return "it refuses the credentials that are set for it"
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        try:
            asked = self._message.lenient(f"T_rpl($(hdr({name})[*]))") or ""
            value = carrier_digest.answer(asked, carrier, "INVITE", target.ruri, os.urandom(8).hex())
        except carrier_digest.Unanswerable as problem:
            return str(problem)
        headers = (*target.headers, (carrier_digest.header_name(status), value))
        return again(plan, replace(target, headers=headers, terms=replace(target.terms, authorized=True)))

    def _answer(self, plan: Plan, failure: Failure, verdict: Stop, now: float) -> None:
        """No target is left, or none may be tried any more."""
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


def _at_which_address(target: Target) -> str:
    """Of a name that has several: the record says which one it was."""
    if not target.named or target.next_hop is None:
        return ""
    return f" (at {target.next_hop.removeprefix('sip:').partition(';')[0]})"


def _attempt_failed(
    plan: Plan, failure: Failure, verdict: Next | Stop, q850: int | None, now: float, *, redirected: bool
) -> dict[str, object]:
    """The event."""
    return {
        "e": "attempt_failed",
        "sid": plan.call_sid,
        "n": plan.n,
        "at": now,
        "code": failure.status,
        "reason": failure.reason,
        "local": failure.local,
        "q850": q850,
        "canceled": failure.canceled,
        "next": isinstance(verdict, Next),
        "why": verdict.why + _at_which_address(plan.current),
        "redirected": redirected,
        "ours": failure.no_media_relay,
    }
