"""Topology hiding in the SIP worker: what one side of a call is told of the other (decision 7).

Runs inside Kamailio: standard library and core only. hiding.cfg asks at four points and acts on what is left:

- `$avp(up)`: the header lines that put the sender's own view back into the replies to its request
- `$avp(leg)`: the sealed leg of who sent this message (core/hidden_leg.py), for the Contact that the other side gets;
  `$avp(back)`: our address as this sender sees it
- `$avp(dialog)`: what this dialog's legs are bound to, the caller's Call-ID and tag; `$avp(ringing_leg)`: the leg that
  a ringing has brought, and the facts that it is made of
- of an answer `$var(ack)`: where its ACK goes, in words
- `$avp(other_call_id)`: the Call-ID that goes out, where it is not the one that came in
- `$avp(shown)`: the caller's URI as the other side knows it, where the callee was shown another number
- in a dialog `$var(tl)`, `$var(by)`, and where the request goes: `$ru`, `$du`, `$fs`, `$avp(routes)`
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from trunkline.core import sip_uri
from trunkline.core.hidden_leg import Leg, NotSealedHere, dialog_of, other_call_id, seal, unseal
from trunkline.core.hidden_sdp import hidden_sdp, with_dtmf
from trunkline.core.networks import may_name
from trunkline.engines.kamailio.ksr import NOTHING, SEPARATOR, Arrived, Ksr, family_of


def _together(*names: str) -> str:
    """One question for all of these."""
    return f"$_s({SEPARATOR.join(names)})"


_SOURCE = ("$si", "$sp", "$proto", "$Rp")
_REQUEST = _together(
    *_SOURCE, "$ci", "$ft", "$tt", "$rm", "$var(sealed)", "$ct", "$(hdr(Via)[*])", "$(hdr(Record-Route)[*])"
)
_OF_REPLY = (*_SOURCE, "$ct", "$(hdr(Record-Route)[*])", "$avp(shift)", "$avp(shown)", "$avp(dialog)")
_REPLY = _together(*_OF_REPLY)
_HEARD = "\n}"
"""Before what an earlier reply has left. As `SEPARATOR`, it is in no header."""
_REPLY_AND_HEARD = f"$_s({SEPARATOR.join(_OF_REPLY)}{_HEARD}$avp(ringing_leg))"
_RPORT = re.compile(r";\s*rport(?:=\d*)?(?=[;,\s]|$)", re.IGNORECASE)
_URI = re.compile(r"<([^<>]*)>")
_TOKEN_SIZE = 45


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """How the two sides reach us by IPv4 and by IPv6: `host:port`, with `;transport=tls` at the second. The same twice
    where we have one address."""

    plain: Sequence[str]
    secure: Sequence[str]
    inner_port: str
    front: str
    """SIP URI of the TLS front."""
    both_families: bool = False


class InDialog(NamedTuple):
    """A request that belongs to one of our dialogs."""

    method: str
    token: str
    """Whose call it is: core/route_token.py without the MAC."""
    by: str
    """`caller` or `callee`."""


class Hiding:
    def __init__(self, ksr: Ksr, key: bytes, own: OwnAddresses) -> None:
        self._get = ksr.pv.get
        self._sets = ksr.pv.sets
        self._key = key
        self._own = own

    def invite(self, seen: Arrived, call_id: str, tag: str, route_token: str, shown_otherwise: str) -> None:
        """A dialog-forming INVITE that is relayed.

        `shown_otherwise`: the caller's URI where the callee is shown another one, or empty.
        """
        (ip, port, proto, to_port), contact, via, record_route = seen
        token = route_token[:_TOKEN_SIZE]
        other = other_call_id(token[:32], call_id)
        own_call_id = call_id if other else ""
        leg = self._leg("caller", token, contact, seen.source, record_route, own_call_id, 0, shown_otherwise)
        dialog = dialog_of(call_id, tag)
        self._sets("$avp(leg)", seal(self._key, leg, dialog))
        self._sets("$avp(up)", self._view(via, ip, port, to_port, own_call_id))
        if other:
            self._sets("$avp(other_call_id)", other)
        self._sets("$avp(back)", self._reached_at(ip, proto, to_port))
        self._sets("$avp(dialog)", dialog)
        if self._own.both_families:
            self._sets("$avp(back_family)", self._family_of_source(ip, to_port))

    def reply(self) -> bool:
        """A reply with a Contact to a request that `in_dialog` has seen."""
        side = "caller" if self._get("$avp(reply_of)") == "caller" else "callee"
        call_id = (self._get("$avp(callers_call_id)") or "") if side == "caller" else ""
        leg, dialog = self._leg_of_reply(side, str(self._get(_REPLY)), self._get("$avp(tl)"), call_id)
        self._sets("$var(leg)", "" if leg is None else seal(self._key, leg, dialog))
        return True

    def reply_to_invite(self, route_token: str, event: str) -> str:
        """A reply to an INVITE that `invite` has seen: its sender's sealed leg, left in `$var(leg)` as well; empty when
        the reply has no Contact. Raises ValueError or SystemError where a header is no text.

        `event`: of an `answered` call `$var(ack)` gets what `in_dialog` would say of its ACK, where that is no more
        than token, Request-URI and next hop (hiding.cfg, ACK_GOES). What the answer says of its sender was mostly said
        by the ringing before, whose leg is then taken as it is.
        """
        facts, _, heard = str(self._get(_REPLY_AND_HEARD)).partition(_HEARD)
        words, _, of = heard.partition(SEPARATOR)
        if of != facts:
            words = self._words_of_reply(facts, route_token)
            if words and event == "ringing":
                self._sets("$avp(ringing_leg)", f"{words}{SEPARATOR}{facts}")
        leg, _, ack = words.partition(" ")
        if leg:
            self._sets("$var(leg)", leg)
            if ack and event == "answered":
                self._sets("$var(ack)", ack)
        return leg

    def _words_of_reply(self, facts: str, route_token: str) -> str:
        """The callee's sealed leg, and behind it where the ACK goes."""
        leg, dialog = self._leg_of_reply("callee", facts, route_token, "")
        if leg is None:
            return ""
        text = seal(self._key, leg, dialog)
        plain = not (leg.routes or leg.shift or leg.uri or self._own.both_families or " " in leg.target)
        if not plain or leg.next_hop == self._own.front:
            return text
        return f"{text} {leg.token} {leg.target} {leg.next_hop}"

    def _leg_of_reply(self, side: str, facts: str, token: str, call_id: str) -> tuple[Leg | None, str]:
        """The leg of who sent this reply, and its dialog."""
        ip, port, proto, to_port, contact, record_route, shift, shown, dialog = facts.split(SEPARATOR, 8)
        if contact == NOTHING:
            return None, dialog
        moved, uri = 0 if shift == NOTHING else int(shift), "" if shown == NOTHING else shown
        source = (ip, port, proto, to_port)
        return self._leg(side, token[:_TOKEN_SIZE], contact, source, record_route, call_id, moved, uri), dialog

    def in_dialog(self) -> InDialog | None:
        """A request within a dialog; None: its Request-URI is not one that we gave this dialog's parties."""
        facts = str(self._get(_REQUEST)).split(SEPARATOR, 11)
        ip, port, proto, to_port, call_id, from_tag, to_tag, method, sealed, contact, via, record_route = facts
        try:
            leg = unseal(self._key, sealed, call_id, (from_tag, to_tag))
        except NotSealedHere:
            return None
        by = "callee" if leg.side == "caller" else "caller"
        callers_call_id = leg.call_id or call_id
        other = self._other_call_id(leg, call_id)
        if method != "ACK":
            self._sets("$avp(up)", self._view(via, ip, port, to_port, call_id if other else ""))
        if method not in ("ACK", "BYE"):  # the answer to a BYE brings nobody a Contact
            self._sets("$avp(back)", self._reached_at(ip, proto, to_port))
            if self._own.both_families:
                self._sets("$avp(back_family)", self._family_of_source(ip, to_port))
            self._sets("$avp(reply_of)", leg.side)
            self._sets("$avp(dialog)", dialog_of(callers_call_id, from_tag if by == "caller" else to_tag))
            self._sets("$avp(callers_call_id)", callers_call_id if other else "")
            self._sets("$avp(tl)", leg.token)
        if contact != NOTHING and method in ("INVITE", "UPDATE"):
            mine = self._leg(
                by,
                leg.token,
                contact,
                (ip, port, proto, to_port),
                record_route,
                callers_call_id if other and by == "caller" else "",
                leg.shift,
                self._get("$fu" if by == "caller" else "$tu") if leg.uri else "",
            )
            self._sets("$avp(leg)", seal(self._key, mine, self._get("$avp(dialog)")))
        if leg.uri:
            self._sets("$avp(shown)", leg.uri)
        if leg.shift:
            self._move_cseq(leg, by, method)
        if other:
            self._sets("$avp(other_call_id)", other)
        self._sets("$var(tl)", leg.token)
        self._sets("$var(by)", by)
        self._send_to(leg)
        return InDialog(method, leg.token, by)

    def move_cseq(self) -> None:
        """In the failure route: from now on the INVITE goes out with the next CSeq (RFC 3261 section 22.2)."""
        number = int(str(self._get("$hdr(CSeq)")).split()[0])
        shift = int(self._get("$avp(shift)") or 0) + 1
        call_id, tag = self._get("$ci"), self._get("$ft")
        leg = replace(unseal(self._key, self._get("$avp(leg)"), call_id, ("", tag)), shift=shift)
        self._sets("$avp(leg)", seal(self._key, leg, dialog_of(call_id, tag)))
        if shift == 1:
            self._sets("$avp(up)", f"{self._get('$avp(up)')}CSeq: {number} INVITE\r\n")
        self._sets("$avp(shift)", str(shift))
        self._sets("$avp(cseq)", f"{number + shift} INVITE")

    def sdp(self) -> bool:
        """What rtpengine has made of the SDP, in `$avp(sdp)`; nothing where it is not there."""
        body = self._text("avp(sdp)")
        if not body:
            return True
        if "telephone-event" not in body:
            original = self._text("rb")
            if "telephone-event" in original:
                body = with_dtmf(body, original)
        self._sets("$avp(sdp)", hidden_sdp(body))
        return True

    # ---- parts ------------------------------------------------------------------------------------------------------

    def _text(self, name: str) -> str:
        """A pseudo-variable, of which bytes that are not UTF-8 become U+FFFD."""
        try:
            return str(self._get(f"${name}") or "")
        except (UnicodeDecodeError, SystemError):
            return bytes.fromhex(self._get(f"$({name}{{s.encode.hexa}})")).decode("utf-8", "replace")

    def _other_call_id(self, leg: Leg, call_id: str) -> str:
        if leg.side == "caller":
            return leg.call_id
        return other_call_id(leg.token[:32], call_id)

    def _move_cseq(self, leg: Leg, by: str, method: str) -> None:
        """In a dialog whose INVITE went out with a higher CSeq than the caller's."""
        self._sets("$avp(shift)", str(leg.shift))
        if by != "caller":
            return
        value = str(self._get("$hdr(CSeq)"))
        number = int(value.split(maxsplit=1)[0])
        self._sets("$avp(cseq)", f"{number + leg.shift} {method}")
        if method != "ACK":
            self._sets("$avp(up)", f"{self._get('$avp(up)')}CSeq: {value}\r\n")
        rack = str(self._get("$hdr(RAck)") or "").split()
        if len(rack) == 3 and rack[1].isdecimal():
            self._sets("$avp(rack)", f"{rack[0]} {int(rack[1]) + leg.shift} {rack[2]}")

    def _send_to(self, leg: Leg) -> None:
        self._sets("$ru", leg.target)
        if leg.next_hop == self._own.front:
            self._sets("$fs", f"tcp:127.0.0.1:{self._own.inner_port}")
            self._sets("$du", leg.next_hop)
        else:
            self._sets("$du", _URI.sub(r"\1", leg.routes[0]) if leg.routes else leg.next_hop)
        if self._own.both_families:
            # The family of our Contact, and of SDP that the media relay does not know of yet.
            self._sets("$avp(family)", family_of(leg.target if leg.next_hop == self._own.front else leg.next_hop))
        if leg.routes:
            self._sets("$avp(routes)", "".join([f"Route: {route}\r\n" for route in leg.routes]))

    def _leg(
        self,
        side: str,
        token: str,
        contact: str,
        source: tuple[str, str, str, str],
        record_route: str,
        call_id: str,
        shift: int,
        uri: str,
    ) -> Leg:
        """`source`: address, port, transport, and our port that it came to."""
        ip, port, proto, to_port = source
        if to_port == self._own.inner_port:
            next_hop = self._own.front
        else:
            next_hop = f"sip:{f'[{ip}]' if ':' in ip else ip}:{port};transport={proto.lower()}"
        routes: tuple[str, ...] = ()
        if record_route != NOTHING:
            # Whoever speaks TLS seems to be at the front.
            routes = _routes(record_route, "" if next_hop == self._own.front else ip)
            if side == "callee":
                routes = routes[::-1]
        target = _uri_of(contact)
        return Leg("caller" if side == "caller" else "callee", token, target, next_hop, routes, call_id, shift, uri)

    def _reached_at(self, ip: str, proto: str, to_port: str) -> str:
        if to_port == self._own.inner_port:
            return self._own.secure[self._own.both_families and self._family_of_source(ip, to_port) == "IP6"]
        plain = self._own.plain[":" in ip]
        return plain if proto.lower() == "udp" else f"{plain};transport=tcp"

    def _family_of_source(self, ip: str, to_port: str) -> str:
        """Of who sent this message. Of the TLS front the edge sees its own address; kamailio.cfg has looked further."""
        source = str(self._get("$var(source)")) if to_port == self._own.inner_port else ip
        return "IP6" if ":" in source else "IP4"

    def _view(self, via: str, ip: str, port: str, to_port: str, call_id: str) -> str:
        """The sender's lines that the other side did not see. From behind the TLS front, its Via is whole."""
        first, comma, others = via.partition(",")
        if to_port != self._own.inner_port:
            if "rport" in first.lower():
                first = _RPORT.sub("", first)
            first = f"{first};received={ip};rport={port}"
        lines = f"Via: {first.strip()}\r\n"
        if comma:
            lines += "".join([f"Via: {value.strip()}\r\n" for value in others.split(",")])
        return f"{lines}Call-ID: {call_id}\r\n" if call_id else lines


def _routes(record_route: str, source_ip: str) -> tuple[str, ...]:
    """The sender's own route set; none of it where a part leads to where the sender must not send us."""
    uris: list[str] = _URI.findall(record_route)
    try:
        hosts = [sip_uri.parse(uri).host for uri in uris]
    except sip_uri.SipUriError:
        return ()
    return tuple(f"<{uri}>" for uri in uris) if all(may_name(source_ip, host) for host in hosts) else ()


def _uri_of(contact: str) -> str:
    """The URI of a Contact value."""
    if contact.startswith("<") and contact.endswith(">") and contact.count("<") == 1 == contact.count(">"):
        return contact[1:-1]
    found = _URI.search(contact)
    return found.group(1) if found else contact.partition(";")[0].strip()
