"""The BYE by which we end a call ourselves, to the edge and in the name of one of its parties.

The edge takes it as it takes any BYE of the dialog: by the sealed leg in the Request-URI (core/hidden_leg.py).
"""

from __future__ import annotations

from trunkline.core.hidden_leg import other_call_id

CSEQ = (1 << 31) - 1000
"""Higher than a party may count: kamailio.cfg refuses other requests with it, or a call could not be ended by us. What
is left up to 2**31 (RFC 3261 section 8.1.1.5) is for what the edge adds itself (`Leg.shift`).
"""


def byes(
    edge: tuple[str, int],
    our_port: int,
    branches: tuple[str, str],
    call_sid: str,
    call_id: str,
    dialog: tuple[str, str, str, str],
) -> list[bytes]:
    """One to the callee and one to the caller, each in the name of the other.

    `edge`: its address and port, on whose host we are at `our_port`. `call_id`: the caller's own. `dialog`: the sealed
    legs of the caller and the callee, and their tags (the `answered` event).
    """
    caller_leg, callee_leg, caller_tag, callee_tag = dialog
    callee_call_id = other_call_id(call_sid[2:], call_id) or call_id
    return [
        bye(edge, our_port, branches[0], callee_leg, call_id, caller_tag, callee_tag),
        bye(edge, our_port, branches[1], caller_leg, callee_call_id, callee_tag, caller_tag),
    ]


def bye(edge: tuple[str, int], our_port: int, branch: str, leg: str, call_id: str, from_tag: str, to_tag: str) -> bytes:
    """A BYE to the side whose sealed leg this is, in the name of the other. `call_id`: the other's."""
    host = f"[{edge[0]}]" if ":" in edge[0] else edge[0]
    return (
        f"BYE sip:{host}:{edge[1]};tl={leg} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {host}:{our_port};branch=z9hG4bK{branch};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:{host}>;tag={from_tag}\r\nTo: <sip:{host}>;tag={to_tag}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {CSEQ} BYE\r\nContent-Length: 0\r\n\r\n"
    ).encode("utf-8", "surrogateescape")
