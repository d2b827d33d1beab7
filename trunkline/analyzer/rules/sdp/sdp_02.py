"""Media at another address than signalling: a fact, never a fault by itself.

Proof: c= names another public host than the one that sent the message.
Traps: every SBC with media addresses of its own does so.
Fix: none.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private, is_public, same_host
from trunkline.analyzer.model.finding import Evidence, Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="SDP-02",
    title="Media at another address than signalling",
    severity="info",
    reference="RFC 3261 section 8.1.1.8, RFC 8866 section 5.7",
    fix="Nothing to change; let the firewall pass both addresses.",
    needs=("addresses",),
)
UNKNOWN = ("0.0.0.0", "::")
"""Address of the writer itself in captures that a program has written of its own log."""
MOST_NAMED = 4
"""Pairs of addresses in the sentence; the evidence has more of them."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding for all: it is a remark, and every hop of a call repeats it."""
    pairs: dict[tuple[str, str], Evidence | None] = {}
    calls: dict[str, None] = {}
    for hop in facts_of(trace).calls():
        for message, sdp in described(hop):
            section = audio(sdp)
            if message.src is None or section is None or not section.port or section.address == "0.0.0.0":
                continue
            host, peer = section.address, message.src.ip
            if peer in UNKNOWN:
                continue
            alike = (is_public(host) and is_public(peer)) or (is_private(host) and is_private(peer))
            if not alike or same_host(host, peer):
                continue
            calls[hop.id] = None
            if (peer, host) not in pairs:
                pairs[peer, host] = quote_sdp(message, "c=")
    if not pairs:
        return
    hosts: dict[str, list[str]] = {}
    for peer, host in list(pairs)[:MOST_NAMED]:
        hosts.setdefault(peer, []).append(host)
    told = [f"{peer} signals, and its media is at {' and '.join(at)}" for peer, at in hosts.items()]
    more = f"; and {len(pairs) - MOST_NAMED:,} more" if len(pairs) > MOST_NAMED else ""
    yield RULE.finding(
        f"{'; '.join(told)}{more}.",
        "Usual for SBCs and providers. A firewall has to let RTP of these addresses pass too.",
        calls=list(calls),
        evidence=list(pairs.values()),
        media_ip=next(iter(pairs))[1],
    )
