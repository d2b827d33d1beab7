"""The only file that speaks KSR: reads facts from the message in Kamailio's hands, leaves decisions for kamailio.cfg.

Runs inside Kamailio: standard library and core only. What it leaves, and kamailio.cfg acts on:

- `$var(status)` and `$var(reason)`: what to answer a request that is refused
- `$var(verdict)` of a failed attempt: `next` (send to another target), `pass` (let the callee's own answer through),
  `refuse`
- in the transaction: `$avp(tl)` (the route token: core/route_token.py), `$avp(asserted)` (the caller as
  P-Asserted-Identity says it to a carrier), and where they are not what is usual `$avp(plan)`, `$avp(n)` (from 1),
  `$avp(headers)`, `$avp(new_from)`, `$avp(wait)` and `$avp(ring)` (milliseconds), `$avp(away)` and `$avp(towards)`
  (rtpengine's flags for SDP that leaves the caller, and that comes back)

Each question to KSR costs about as much as ten lines of Python, so what every call needs is asked for at once
(`FACTS`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Protocol

from trunkline.core import diversion
from trunkline.core.decision import (
    TERMINATION,
    Header,
    Plan,
    Relay,
    Target,
    plan_from_json,
    plan_of,
    plan_to_json,
)
from trunkline.core.invite import Invite, Transport
from trunkline.core.media import has_taken_key, sdp_is_behind_nat
from trunkline.core.policy import NO_ANSWER_AFTER, NO_PROVISIONAL_AFTER, Policy
from trunkline.core.routing_data import RoutingData
from trunkline.core.trunk_host import HostKind, read_trunk_host

FACTS = (
    "$ru",
    "$fu",
    "$ft",
    "$ci",
    "$si",
    "$sp",
    "$proto",
    "$Rp",
    "$hdr(P-Asserted-Identity)",
    "$hdr(Remote-Party-ID)",
    "$hdr(Proxy-Authorization)",
    "$hdr(Authorization)",
    "$ua",
    "$ct",
    "$(hdr(Via)[*])",
    "$(hdr(Record-Route)[*])",
    "$mb",
)
"""What a decision depends on, and what its way back is made of (hiding.py)."""
FREE_TEXT = ("$ua", "$mb")
"""No decision hangs on their every byte."""
SEPARATOR = "\n|"
"""Between the facts. A line that begins so ends a header (RFC 3261 section 7.3.1), so none but the whole message, which
is the last, has it.
"""
ALL_FACTS = f"$_s({SEPARATOR.join(FACTS)})"
NOTHING = "<null>"
"""How Kamailio prints a pseudo-variable that is not there."""


class Arrived(NamedTuple):
    """Where an INVITE came from, for what topology hiding has to remember of it; as Kamailio prints it."""

    source: tuple[str, str, str, str]
    """Address, port, transport, and our port that it came to."""
    contact: str
    via: str
    record_route: str


class MalformedRequest(ValueError):
    """A fact that the decision needs cannot be read (bytes that are not UTF-8, a header that is missing)."""


class Ksr(Protocol):
    """The part of Kamailio's KSR module that is used here (Kamailio's KEMI documentation)."""

    pv: Any
    hdr: Any
    htable: Any
    log: Any


class Message:
    """The request or reply that this process is handling now."""

    def __init__(
        self, ksr: Ksr, inner_port: int, front_port: int, hop_secret: str, *, both_families: bool = False
    ) -> None:
        """`both_families`: the node has an address of IPv4 and one of IPv6."""
        self._both_families = both_families
        self._ksr = ksr
        self._get = ksr.pv.get
        self._sets = ksr.pv.sets
        self._inner_port = str(inner_port)
        self._front = f"sip:127.0.0.1:{front_port};transport=tcp"
        self._hop_secret = hop_secret
        self._head = self._sdp = ""
        self._source_ip = ""
        self._arrived = ("",) * 7

    # ---- reading ----------------------------------------------------------------------------------------------------

    def text(self, name: str) -> str | None:
        """A pseudo-variable as text; None when it is not there. Raises MalformedRequest where it is not UTF-8."""
        try:
            value = self._get(name)
        except (UnicodeDecodeError, SystemError):
            raise MalformedRequest(f"{name} is not UTF-8") from None
        return None if value is None else str(value)

    def lenient(self, name: str) -> str | None:
        """The same for what no decision hangs on (a display name, User-Agent): broken bytes become U+FFFD."""
        try:
            return self.text(f"${name}")
        except MalformedRequest:
            encoded = self._get(f"$({name}{{s.encode.hexa}})")
            if encoded is None:  # longer than Kamailio's room for it
                raise MalformedRequest(f"${name} is long, and not UTF-8") from None
            return bytes.fromhex(encoded).decode("utf-8", "replace")

    def number(self, name: str) -> int:
        value = self._get(name)
        return int(value) if value is not None else 0

    def invite(self, method: Literal["INVITE", "REGISTER"], call_sid: str) -> Invite:
        """The facts of this dialog-forming request. Raises MalformedRequest."""
        try:
            facts = self._get(ALL_FACTS)
        except (UnicodeDecodeError, SystemError):
            facts = self._facts_one_by_one()
        (
            ruri,
            from_uri,
            from_tag,
            call_id,
            ip,
            port,
            transport,
            to_port,
            asserted,
            remote_party,
            proxy_authorization,
            authorization,
            user_agent,
            contact,
            via,
            record_route,
            message,
        ) = facts.split(SEPARATOR, len(FACTS) - 1)
        if not call_id or call_id == NOTHING or not from_uri or from_uri == NOTHING:
            raise MalformedRequest("Call-ID or From is missing")
        self._source_ip = ip
        self._arrived = (ip, port, transport, to_port, contact, via, record_route)
        end = _HEAD_ENDS.search(message)
        self._head, sdp = (message, "") if end is None else (message[: end.start()], message[end.end() :])
        self._sdp = sdp
        if to_port == self._inner_port:
            ip, port, transport = self._source_behind_front()
            self._source_ip = ""
        secure = " RTP/SAVP" in sdp
        # By position: by name would take twice as long, and this is built for every call.
        return Invite(
            method,
            ruri,
            from_uri,
            "" if from_tag == NOTHING else from_tag,
            call_id,
            ip,
            int(port),
            _TRANSPORTS.get(transport, "udp"),
            None if asserted == NOTHING else asserted,
            None if remote_party == NOTHING else remote_party,
            proxy_authorization
            if proxy_authorization not in EMPTY
            else None
            if authorization in EMPTY
            else authorization,
            None if user_agent == NOTHING else user_agent,
            sdp != "",
            secure,
            not secure or has_taken_key(sdp),
            call_sid,
            "" if method == "INVITE" and ruri[4:6] != "CX" else self.text("$tu") or "",
        )

    @property
    def arrived(self) -> Arrived:
        """How the INVITE came that `invite` read last."""
        ip, port, transport, to_port, contact, via, record_route = self._arrived
        return Arrived((ip, port, transport, to_port), contact, via, record_route)

    def _facts_one_by_one(self) -> str:
        """The same where some byte is not UTF-8: what the decision needs must be, of the rest it becomes U+FFFD."""
        values = [self.lenient(name[1:]) if name in FREE_TEXT else self.text(name) for name in FACTS]
        return SEPARATOR.join(NOTHING if value is None else value for value in values)

    def assert_clean_lines(self) -> None:
        """Raises MalformedRequest where a header of the message that `invite` read has a CR without its LF, or a NUL.

        Kamailio takes either for a part of the value, and many a stack behind us takes the CR for the end of the line:
        what follows would be a header of the sender's own making, a P-Asserted-Identity for one.
        """
        if _LONE_CR.search(self._head) or "\0" in self._head:
            raise MalformedRequest("a header with a CR that ends no line, or a NUL")

    def assert_sdp(self) -> None:
        """Raises MalformedRequest where the body of the message that `invite` read is no SDP with a stream, alone or as
        a part: the media relay would refuse it, and the answer would say that the fault was ours.
        """
        sdp = self._sdp
        if sdp and not ("\nm=" in sdp and (sdp.startswith("v=0") or "v=0" in sdp.partition("--")[2])):
            raise MalformedRequest("a body that is no SDP")

    def check_diversion(self, policy: Policy, routing: RoutingData, account_sid: str) -> None:
        """Leaves in `$avp(diversion)` the header lines that may go to a carrier, or `-`, where not all of them may."""

        def is_ours(host: str) -> bool:
            return read_trunk_host(host, policy).kind is not HostKind.FOREIGN

        def owns(number: str) -> bool:
            return routing.owns_number(account_sid, number) or routing.verified_caller_id(account_sid, number)

        kept = diversion.checked(self._all_diversion(), is_ours, owns, policy.advertised_host)
        if kept is not None:
            self._sets("$avp(diversion)", "".join([f"Diversion: {entry}\r\n" for entry in kept]) or "-")

    def _all_diversion(self) -> str:
        """Bytes that are no text become U+FFFD. What is too long for that has no entry that could be read."""
        try:
            return self.text("$(hdr(Diversion)[*])") or ""
        except MalformedRequest:
            encoded = self._get("$(hdr(Diversion)[*]{s.encode.hexa})")
            return "?" if encoded is None else bytes.fromhex(encoded).decode("utf-8", "replace")

    def sdp_is_behind_nat(self) -> bool:
        """Whether the offer that `invite` read names an address that is not where the request came from and that
        nobody else can reach.

        Never for TLS: the front has put a reachable address there.
        """
        if not self._source_ip:
            return False
        line = ("\n" + self._sdp).partition("\nc=")[2].partition("\n")[0]
        address = line.rpartition(" ")[2].strip()
        return address != self._source_ip and sdp_is_behind_nat(address, self._source_ip)

    def _source_behind_front(self) -> tuple[str, str, Transport]:
        """Where the request really came from: the TLS front says it in a header that only the front can write."""
        hop = (self.text("$hdr(X-Trunkline-Hop)") or "").split(" ", 1)
        if len(hop) != 2 or hop[0] != self._hop_secret:
            raise MalformedRequest("the inner port takes requests of the TLS front only")
        address, _, port = hop[1].removeprefix("tls:").rpartition(":")
        return address, port, "tls"

    # ---- what the transaction keeps ---------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """The plan of the call whose attempt failed. Raises PlanError."""
        text = self._get("$avp(plan)")
        return Plan.of_lone_target(f"CA{self._get('$avp(tl)')[:32]}") if text is None else plan_from_json(text)

    def call_sid(self) -> str:
        """Of the call whose attempt this is."""
        return f"CA{self._get('$avp(tl)')[:32]}"

    def began(self) -> int | None:
        """When the call came, in Unix seconds: the route token says it (core/route_token.py)."""
        word = str(self._get("$avp(tl)") or "")[35:45]
        return int(word) if word.isdecimal() else None

    def first_use(self, key: str) -> bool:
        """Whether this key comes for the first time, to any worker: one atomic count in shared memory."""
        return bool(self._ksr.htable.sht_inc("replay", key) == 1)

    def repeat_challenge(self, value: str, now: float) -> None:
        """Until the next tenth of a second kamailio.cfg gives this challenge to every INVITE without credentials from
        this address to this host. `now`: Unix seconds.
        """
        if str(self.number("$Rp")) != self._inner_port:
            self._ksr.htable.sht_sets(
                "challenge", f"{self._get('$si')} {self._get('$rd')} {now:.6f}"[: -len("00000")], value
            )

    # ---- leaving a decision -----------------------------------------------------------------------------------------

    def refuse(self, status: int, reason: str, headers: Iterable[Header]) -> None:
        for name, value in headers:
            self._ksr.hdr.append_to_reply(f"{name}: {value}\r\n")
        self._ksr.pv.seti("$var(status)", status)
        self._sets("$var(reason)", reason)
        self._sets("$var(verdict)", "refuse")

    def drop(self) -> None:
        """No answer at all."""
        self._ksr.pv.seti("$var(status)", 0)

    def let_through(self) -> None:
        """The callee's own final answer goes back to the caller as it is."""
        self._sets("$var(verdict)", "pass")

    def start(self, relay: Relay, call_sid: str, route_token: str, asserted: str | None) -> None:
        """First attempt: what the transaction has to keep, and the target."""
        self._sets("$avp(tl)", route_token)
        if asserted is not None:
            self._sets("$avp(asserted)", asserted)
        terms = relay.targets[0].terms
        if len(relay.targets) > 1 or relay.direction != TERMINATION or (terms is not None and terms.credentials):
            self._sets("$avp(plan)", plan_to_json(plan_of(relay, call_sid)))
        self._send_to(relay.targets[0], relay.headers)

    def rewrite_from(self, uri: str) -> None:
        """Every attempt says this URI in From."""
        self._sets("$avp(new_from)", uri)

    def relay_media_with(self, away: str, towards: str) -> None:
        """Flags for rtpengine, where they are not those of a plain call (MEDIA_PLAIN in kamailio.cfg)."""
        self._sets("$avp(away)", away)
        self._sets("$avp(towards)", towards)

    def go(self, plan: Plan) -> None:
        """Another attempt of this transaction, to the plan's current target."""
        pv = self._ksr.pv
        for name in ("n", "heard", "rang", "plan", "headers", "wait", "ring"):
            pv.unset(f"$avp({name})")
        pv.unset("$fs")
        pv.unset("$du")
        pv.seti("$avp(n)", plan.n)
        self._sets("$avp(plan)", plan_to_json(plan))
        cseq = self._get("$avp(cseq)")
        self._send_to(plan.current, plan.headers if cseq is None else (*plan.headers, ("CSeq", cseq)))
        self._sets("$var(verdict)", "next")

    def _send_to(self, target: Target, headers: tuple[Header, ...]) -> None:
        """The next request of this transaction goes there, with these headers; TLS goes by the TLS front."""
        self._sets("$ru", target.ruri)
        headers += target.headers
        terms = target.terms
        if terms is not None and terms.own_identity:
            if terms.from_uri is None:
                self._ksr.pv.unset("$avp(new_from)")
            else:
                self._sets("$avp(new_from)", terms.from_uri)
        if headers:
            self._sets("$avp(headers)", "".join([f"{name}: {value}\r\n" for name, value in headers]))
        if target.no_provisional_after != NO_PROVISIONAL_AFTER or target.no_answer_after != NO_ANSWER_AFTER:
            self._ksr.pv.seti("$avp(wait)", int(target.no_provisional_after * 1000))
            self._ksr.pv.seti("$avp(ring)", int(target.no_answer_after * 1000))
        if self._both_families:
            self._sets("$avp(family)", family_of(target.next_hop or target.ruri))
        if target.transport == "tls":
            if target.next_hop is not None:
                self._sets("$ru", target.ruri + _alias(target.next_hop))
            self._sets("$du", self._front)
            self._sets("$fs", f"tcp:127.0.0.1:{self._inner_port}")
        elif target.next_hop is not None:
            self._sets("$du", target.next_hop)


EMPTY = ("", NOTHING)
_HEAD_ENDS = re.compile("\n\r?\n")
_LONE_CR = re.compile("\r(?!\n|$)")
_TRANSPORTS: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls", "UDP": "udp", "TCP": "tcp"}


def family_of(uri: str) -> str:
    """`IP4` or `IP6`, as SDP writes them, of the host of a SIP URI."""
    return "IP6" if "[" in uri else "IP4"


def _alias(next_hop: str) -> str:
    """The TLS front goes there, whatever the host of the Request-URI, and takes it out again (tls_front.cfg)."""
    host, _, port = next_hop.removeprefix("sip:").partition(";")[0].rpartition(":")
    return f";alias={host}~{port}~3"
