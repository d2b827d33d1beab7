"""The only file that speaks KSR: reads facts from the message that Kamailio holds, and leaves decisions for kamailio.cfg.

Runs inside Kamailio: standard library and core only. What it leaves, and kamailio.cfg acts on:

- `$var(verdict)`: `relay` (send to the target), `next` (send to another), `pass` (let the callee's own answer through), `refuse`
  (answer `$var(status)` `$var(reason)`), `drop` (no answer)
- in the transaction: `$avp(sid)`, `$avp(n)`, `$avp(plan)`, `$avp(tl)`, `$avp(headers)`, `$avp(asserted)` (the caller as P-Asserted-Identity
  says it to a carrier), `$avp(new_from)`, `$avp(wait)` and `$avp(ring)`
  (milliseconds), `$avp(away)` and `$avp(towards)` (rtpengine's flags for SDP that leaves the caller, and that comes back)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from trunkline.core.decision import Header, Plan, plan_from_json, plan_to_json
from trunkline.core.invite import Invite, Transport
from trunkline.core.media import sdp_is_behind_nat


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

    def __init__(self, ksr: Ksr, inner_port: int, hop_secret: str) -> None:
        self._ksr = ksr
        self._get = ksr.pv.get
        self._sets = ksr.pv.sets
        self._inner_port = inner_port
        self._hop_secret = hop_secret

    # ---- reading ----------------------------------------------------------------------------------------------------

    def text(self, name: str) -> str | None:
        """A pseudo-variable as text; None when it is not there. Raises MalformedRequest for bytes that are not UTF-8."""
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
            return bytes.fromhex(self._get(f"$({name}{{s.encode.hexa}})")).decode("utf-8", "replace")

    def number(self, name: str) -> int:
        value = self._get(name)
        return int(value) if value is not None else 0

    def body_hex(self) -> str:
        return self._get("$(rb{s.encode.hexa})") or ""

    def invite(self, call_sid: str) -> Invite:
        """The facts of this dialog-forming request. Raises MalformedRequest."""
        call_id, from_uri = self.text("$ci"), self.text("$fu")
        if not call_id or not from_uri:
            raise MalformedRequest("Call-ID or From is missing")
        ip, port, transport = self._source()
        sdp = self.lenient("rb") or ""
        return Invite(
            method=self.text("$rm") or "", ruri=self.text("$ru") or "", from_header_uri=from_uri, to_uri=self.text("$tu") or "",
            from_tag=self.text("$ft") or "", call_id=call_id, cseq=self.number("$cs"), source_ip=ip, source_port=port,
            transport=transport, p_asserted_identity=self.text("$hdr(P-Asserted-Identity)"),
            remote_party_id=self.text("$hdr(Remote-Party-ID)"),
            authorization=self.text("$hdr(Proxy-Authorization)") or self.text("$hdr(Authorization)"),
            user_agent=self.lenient("ua"), has_sdp=bool(sdp), offers_srtp=" RTP/SAVP" in sdp, call_sid=call_sid)

    def sdp_is_behind_nat(self) -> bool:
        """Whether the offer names an address that is not where the request came from and that nobody else can reach.

        Never for TLS: the front has put a reachable address there.
        """
        if self.number("$Rp") == self._inner_port:
            return False
        line = ("\n" + (self.lenient("rb") or "")).partition("\nc=")[2].partition("\n")[0]
        return sdp_is_behind_nat(line.rpartition(" ")[2].strip(), self.text("$si") or "")

    def _source(self) -> tuple[str, int, Transport]:
        """Where the request really came from: the TLS front says it in a header that only the front can write."""
        if self.number("$Rp") == self._inner_port:
            hop = (self.text("$hdr(X-Trunkline-Hop)") or "").split(" ", 1)
            if len(hop) != 2 or hop[0] != self._hop_secret:
                raise MalformedRequest("the inner port takes requests of the TLS front only")
            address, _, port = hop[1].removeprefix("tls:").rpartition(":")
            return address, int(port), "tls"
        transport: Transport = "tcp" if (self.text("$proto") or "").lower() == "tcp" else "udp"
        return self.text("$si") or "", self.number("$sp"), transport

    # ---- what the transaction keeps ---------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """The plan of the call whose attempt failed. Raises PlanError."""
        return plan_from_json(self._get("$avp(plan)") or "")

    def attempt(self) -> tuple[str, int]:
        """SID of the call and number of the attempt that this reply belongs to; an empty SID when there is none."""
        return self._get("$avp(sid)") or "", self.number("$avp(n)")

    def first_use(self, key: str) -> bool:
        """Whether this key comes for the first time, to any worker: one atomic count in shared memory."""
        return bool(self._ksr.htable.sht_inc("replay", key) == 1)

    def repeat_challenge(self, value: str, now: float) -> None:
        """Until the next tenth of a second kamailio.cfg gives this challenge to every INVITE from this address to this host
        that has no credentials. `now`: Unix seconds."""
        if self.number("$Rp") != self._inner_port:
            self._ksr.htable.sht_sets("challenge", f"{self._get('$si')} {self._get('$rd')} {now:.6f}"[: -len("00000")], value)

    # ---- leaving a decision -----------------------------------------------------------------------------------------

    def refuse(self, status: int, reason: str, headers: Iterable[Header]) -> None:
        for name, value in headers:
            self._ksr.hdr.append_to_reply(f"{name}: {value}\r\n")
        self._ksr.pv.seti("$var(status)", status)
        self._sets("$var(reason)", reason)
        self._sets("$var(verdict)", "refuse")

    def let_through(self) -> None:
        """The callee's own final answer goes back to the caller as it is."""
        self._sets("$var(verdict)", "pass")

    def start(self, plan: Plan, route_token: str, away: str, towards: str, asserted: str | None, new_from: str | None,
              front: str) -> None:
        """First attempt: all that the transaction has to keep, and the target."""
        self._sets("$avp(sid)", plan.call_sid)
        self._sets("$avp(tl)", route_token)
        self._sets("$avp(away)", away)
        self._sets("$avp(towards)", towards)
        if asserted is not None:
            self._sets("$avp(asserted)", asserted)
        if new_from is not None:
            self._sets("$avp(new_from)", new_from)
        self.go(plan, front)
        self._sets("$var(verdict)", "relay")

    def go(self, plan: Plan, front: str) -> None:
        """The next request of this transaction goes to the plan's current target; TLS goes by the TLS front."""
        target = plan.current
        pv = self._ksr.pv
        pv.unset("$avp(n)")
        pv.seti("$avp(n)", plan.n)
        pv.unset("$avp(plan)")
        self._sets("$avp(plan)", plan_to_json(plan))
        pv.unset("$avp(headers)")
        headers = "".join([f"{name}: {value}\r\n" for name, value in (*plan.headers, *target.headers)])
        if headers:
            self._sets("$avp(headers)", headers)
        pv.unset("$avp(wait)")
        pv.unset("$avp(ring)")
        pv.seti("$avp(wait)", int(target.no_provisional_after * 1000))
        pv.seti("$avp(ring)", int(target.no_answer_after * 1000))
        self._sets("$ru", target.ruri)
        pv.unset("$fs")
        if target.transport == "tls":
            self._sets("$du", front)
            self._sets("$fs", f"tcp:127.0.0.1:{self._inner_port}")
        elif target.next_hop is not None:
            self._sets("$du", target.next_hop)
        else:
            pv.unset("$du")
        self._sets("$var(verdict)", "next")
