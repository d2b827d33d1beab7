"""Messages of one Call-ID to hops. A proxy passes a Call-ID on, so one Call-ID may be seen on several hops.

A hop is two addresses. Ports alone do not tell hops apart: TCP clients come from a new port each time, some phones send
from another port than they listen on. But two phones on one machine behind one proxy are two hops between the same two
addresses; what gives them away is the same request on both pairs of ports with another branch: a proxy passed it on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.message import Message

Pair = tuple[Endpoint, Endpoint]
_Request = tuple[str, int, str]
_MOST_HOPS = 16
"""Between the same two hosts: a flood with one Call-ID has thousands, and none of them is worth a look."""


@dataclass(slots=True)
class _Hop:
    hosts: frozenset[str] = frozenset()
    ports: set[int] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    requests: dict[_Request, str] = field(default_factory=dict)
    """(method of CSeq, CSeq, From tag) to the branch that it has on this hop."""


def pair_of(message: Message) -> Pair | None:
    """Both endpoints, whichever way the message goes; None where the source does not name them."""
    src, dst = message.src, message.dst
    if src is None or dst is None:
        return None
    return (src, dst) if src <= dst else (dst, src)


def _one_pair(messages: list[Message]) -> bool:
    """Whether all go between the same two endpoints, as nearly always."""
    one, other = messages[0].src, messages[0].dst
    ends = (one, other), (other, one)
    return all(
        # mostly it is the very same object, which is quicker to tell than that two are equal
        (message.src is one and message.dst is other) or (message.src, message.dst) in ends
        for message in messages
    )


def hops(messages: list[Message]) -> list[list[Message]]:
    """Messages of one Call-ID, in order, to hops in the order of their first message."""
    if _one_pair(messages):
        return [messages]
    by_pair: dict[Pair | None, _Hop] = {}
    for message in messages:
        pair = pair_of(message)
        hop = by_pair.get(pair)
        if hop is None:
            hop = by_pair[pair] = _Hop()
            if pair is not None:
                hop.hosts, hop.ports = frozenset((pair[0].ip, pair[1].ip)), {pair[0].port, pair[1].port}
        hop.messages.append(message)
    if len(by_pair) == 1:
        return [messages]
    for hop in by_pair.values():
        _note_requests(hop)
    merged: list[_Hop] = []
    by_hosts: dict[frozenset[str], list[_Hop]] = defaultdict(list)
    for hop in by_pair.values():
        near = by_hosts[hop.hosts]
        same = next((other for other in near[-_MOST_HOPS:] if _one_hop(other, hop)), None)
        if same is None:
            merged.append(hop)
            near.append(hop)
        else:
            same.ports |= hop.ports
            same.messages += hop.messages
            for key, branch in hop.requests.items():
                same.requests.setdefault(key, branch)
    for hop in merged:
        hop.messages.sort(key=lambda message: message.index)
    return [hop.messages for hop in merged]


def _note_requests(hop: _Hop) -> None:
    for message in hop.messages:
        # The ACK of a 2xx has a branch of its own: it tells nothing.
        if message.vias and message.cseq_method != "ACK":
            hop.requests.setdefault(_request(message), message.vias[0].branch)


def _request(message: Message) -> _Request:
    return message.cseq_method, message.cseq, message.from_tag


def _one_hop(known: _Hop, more: _Hop) -> bool:
    """Whether two pairs of ports of the same two hosts are one hop."""
    # Programs on one machine are told apart by their ports: one of both must stay.
    if len(known.hosts) == 1 and not known.ports & more.ports:
        return False
    return all(known.requests.get(key, branch) == branch for key, branch in more.requests.items())
