"""The spool's events of a call (docs/architecture.md, "The spool"), as the SIP worker writes them.

Runs inside Kamailio: standard library and core only. The events of a call that goes well are put together by hand: json
takes five times as long.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii

from trunkline.core import media
from trunkline.core.cause import Cause, cause_texts
from trunkline.core.decision import TERMINATION, Alert, Plan, Reject, Relay
from trunkline.core.invite import Invite
from trunkline.engines.kamailio.ksr import NOTHING

_quoted = encode_basestring_ascii
"""A text as JSON."""


def relayed(edge: str, relay: Relay, invite: Invite, sid: str, now: float) -> str:
    """The `invite` event of a call that is relayed. What comes from the network or from an operator is quoted."""
    target = relay.targets[0]
    agent = "null" if invite.user_agent is None else _quoted(invite.user_agent)
    carrier = "null" if target.carrier_sid is None else f'"{target.carrier_sid}"'
    # On termination both have been found to be E.164 numbers.
    caller = f'"{relay.caller}"' if relay.direction == TERMINATION else _quoted(relay.caller)
    # The customer's side is what secure trunking is about, whichever way the call goes.
    secure = "false" if relay.media_mode == media.PLAIN else "true"
    rate = "" if target.terms is None or target.terms.rate is None else f',"rate":{list(target.terms.rate)}'
    return (
        f'{{"e":"invite","sid":"{sid}","at":{int(now * 1e6)}e-6,"edge":"{edge}","call_id":{_quoted(invite.call_id)},'
        f'"from_tag":{_quoted(invite.from_tag)},"source":"{invite.transport}:{invite.source_ip}:{invite.source_port}",'
        f'"ruri":{_quoted(invite.ruri)},"user_agent":{agent},"secure":{secure},"direction":"{relay.direction}",'
        f'"caller":{caller},"called":"{relay.called}","account":"{relay.account_sid}",'
        f'"trunk":"{relay.trunk_sid}","verdict":"relay",'
        f'"attempt":{{"n":0,"target":"{target.target_sid}","carrier":{carrier},"uri":{_quoted(target.ruri)}{rate}}}}}'
    )


def received(edge: str, invite: Invite, sid: str, now: float) -> dict[str, object]:
    """What every `invite` event says of the request; the verdict is added to it."""
    return {
        "e": "invite",
        "sid": sid,
        "at": now,
        "edge": edge,
        "call_id": invite.call_id,
        "from_tag": invite.from_tag,
        "source": f"{invite.transport}:{invite.source_ip}:{invite.source_port}",
        "ruri": invite.ruri,
        "user_agent": invite.user_agent,
        "secure": invite.transport == "tls",
    }


def refused_register(edge: str, reject: Reject, invite: Invite, now: float) -> dict[str, object]:
    """The alert about a REGISTER: it is no call, so it has no record."""
    return {
        "e": "alert",
        "at": now,
        "edge": edge,
        "code": reject.error_code,
        "level": reject.cause.level,
        "text": reject.explanation,
        "source": invite.source_ip,
        "account": reject.account_sid,
        "trunk": reject.trunk_sid,
        "seen": {"method": "REGISTER", "ruri": invite.ruri},
    }


def warning(edge: str, alert: Alert, relay: Relay, invite: Invite, sid: str, now: float) -> dict[str, object]:
    """An alert about a call that is relayed all the same."""
    return {
        "e": "alert",
        "at": now,
        "edge": edge,
        "sid": sid,
        "code": alert.code,
        "level": alert.level,
        "text": alert.text,
        "source": invite.source_ip,
        "account": relay.account_sid,
        "trunk": relay.trunk_sid,
        "seen": {},
    }


def spool_full(edge: str, now: float) -> dict[str, object]:
    """The alert about a disk that takes no events."""
    cause = Cause.SPOOL_FULL
    return {
        "e": "alert",
        "at": now,
        "edge": edge,
        "code": cause.code,
        "level": cause.level,
        "text": cause_texts(cause, {})[1],
        "source": None,
        "account": None,
        "trunk": None,
        "seen": {"cause": cause.name, "pid": os.getpid()},
    }


def rejected(edge: str, reject: Reject, invite: Invite, sid: str, now: float) -> dict[str, object]:
    """The `invite` event of a call that is refused."""
    return {
        **received(edge, invite, sid, now),
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
    }


UNREAD_FACTS = {"call_id": "ci", "from_tag": "ft", "ruri": "ru", "user_agent": "ua"}
"""What is said of a request that cannot be read, and Kamailio's variables for it."""


def unread(
    edge: str, facts: Mapping[str, object], cause: Cause, sid: str, detail: str, now: float
) -> dict[str, object]:
    """The `invite` event of a request that cannot be read. `facts`: those of `UNREAD_FACTS`, and the source."""
    return {
        "e": "invite",
        "sid": sid,
        "at": now,
        "edge": edge,
        "direction": TERMINATION,
        "secure": False,
        "caller": "",
        "called": "",
        "account": None,
        "trunk": None,
        "verdict": "reject",
        "cause": cause.name,
        "status": cause.sip_status,
        "code": cause.code,
        "text": detail,
        **facts,
    }


def refused_within(sid: str, cause: Cause, source: str, now: float) -> dict[str, object]:
    """A request within a call was refused, and the call goes on."""
    return {"e": "refused", "sid": sid, "at": now, "cause": cause.name, "source": source}


def final(sid: str, cause: Cause, now: float) -> dict[str, object]:
    """The caller gets this final failure, whatever the attempts said."""
    return {
        "e": "final",
        "sid": sid,
        "at": now,
        "code": cause.sip_status,
        "reason": cause.reason,
        "canceled": False,
        "cause": cause.name,
        "error_code": cause.code,
    }


def attempt(plan: Plan) -> dict[str, object]:
    """The attempt that the plan is at."""
    target = plan.current
    of = {"n": plan.n, "target": target.target_sid, "carrier": target.carrier_sid, "uri": target.ruri}
    return of if target.terms is None or target.terms.rate is None else {**of, "rate": list(target.terms.rate)}


def at(now: float) -> str:
    """Unix seconds as JSON, to the microsecond: an integer with an exponent takes a third of the time of a fraction."""
    return f"{int(now * 1e6)}e-6"


# What the configuration tells in words: `token` is the route token (core/route_token.py), which begins with the call.


def ringing(now: float, token: str, n: str, code: str) -> str:
    """The first 18x of an attempt."""
    return f'{{"e":"ringing","sid":"CA{token[:32]}","n":{_number(n)},"at":{at(now)},"code":{code}}}'


def answered(now: float, token: str, n: str, code: str, sdp: str, *dialog: str) -> str:
    """The 2xx to the INVITE. `sdp`: its body in hexadecimal. `dialog`: by what the edge can end the call, the sealed
    legs of the caller and the callee, and their tags.
    """
    call, body = token[:32], _hexadecimal(sdp)
    more = f',"dialog":[{",".join([_quoted(word) for word in dialog])}]' if dialog else ""
    return f'{{"e":"answered","sid":"CA{call}","n":{_number(n)},"at":{at(now)},"code":{code},"sdp_hex":"{body}"{more}}}'


def ended(now: float, token: str, cause: str) -> str:
    """The call is over, and not by the word of one of its parties alone. `cause`: name of a core Cause."""
    return f'{{"e":"ended","sid":"CA{token[:32]}","at":{at(now)},"by":"edge","cause":"{cause}"}}'


def bye(now: float, token: str, by: str, reason: str) -> str:
    """A BYE of the caller or the callee. `reason`: its Reason header in hexadecimal."""
    call, why = token[:32], _hexadecimal(reason)
    return f'{{"e":"bye","sid":"CA{call}","at":{at(now)},"by":"{by}","reason_hex":"{why}"}}'


def _number(word: str) -> str:
    """kamailio.cfg prints what was never set by a word of its own."""
    return "0" if word == NOTHING else word


def _hexadecimal(word: str) -> str:
    return "" if word == NOTHING else word
