"""No response at all.

Proof: a request was sent three times or more over at least 1.5 s, and nothing came back.
Traps: a one-sided capture (needs both directions). Scanners that are not answered are well treated. ACK has no
response; BYE and CANCEL are DLG-04 and CANCEL-02. A call that is sent to several places and answered from one of them
suffers little from the others: they are registrations that nobody uses any more. A phone asks by multicast
(224.0.1.75, sip.mcast.net) for a server that would provision it; mostly there is none.
Fix: firewall, port, or a peer that is down; some providers drop unknown sources silently.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of, waited
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="NET-01",
    title="No response at all",
    severity="critical",
    reference="RFC 3261 sections 17.1.1.2 and 17.1.2.2",
    fix="Check address, port and transport of the peer and the firewalls; some providers drop unknown sources.",
    needs=("both_directions",),
)
SENDS = 3
SPAN = 1.4
QUIET = 4.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per destination host and method."""
    facts = facts_of(trace)
    heard = {message.src for message in trace.messages if message.src is not None}
    for exchange in facts.exchanges:
        request = exchange.request
        if request is None or exchange.transaction.responses or exchange.method in ("ACK", "CANCEL", "BYE"):
            continue
        if is_scanner(request) or exchange.hop.dialog.begun_before_capture or is_multicast(request.dst):
            continue
        sends = [message for message in exchange.transaction.requests if message.duplicate_of is None]
        span = (sends[-1].time or 0.0) - (request.time or 0.0) if len(sends) > 1 else 0.0
        timeless = request.time is None
        reliable = request.raw.transport in ("tcp", "tls", "ws", "wss")
        enough = len(sends) >= SENDS and (timeless or span >= SPAN)
        patient = reliable and not timeless and waited(trace, request.time, 32.0)
        if not (enough or patient) or (not timeless and not waited(trace, sends[-1].time, 0.2) and span < QUIET):
            continue
        target = str(request.dst) if request.dst is not None else split_uri(request.ruri)[1]
        alive = request.dst in heard
        elsewhere = answered_elsewhere(exchange)
        grave = exchange.method in ("INVITE", "REGISTER") and not request.to_tag and not elsewhere
        yield RULE.finding(
            f"{exchange.method} to {target} was sent {f'{len(sends)} times' if len(sends) > 1 else 'once'}"
            + (f" in {span:.1f} s" if span else "")
            + ", and nothing came back."
            + (" The same server answers other requests." if alive else "")
            + (" The call was answered from another place: this registration is probably an old one." * elsewhere),
            "Either the request does not arrive, or its answer does not, or the other side drops it without a word.",
            calls=[exchange.id],
            evidence=[quote(message) for message in sends[:4]],
            severity="critical" if grave else "warn",
            confidence="strong" if alive or request.src is None else "proven",
            key=f"{exchange.method}:{request.dst.ip if request.dst is not None else target}:{alive}:{elsewhere}",
            method=exchange.method,
            values=values_of(exchange.hop, request),
        )


def is_multicast(point: Endpoint | None) -> bool:
    """Whether a message went to all who listen."""
    try:
        return point is not None and ip_address(point.ip).is_multicast
    except ValueError:
        return False


def answered_elsewhere(exchange: Exchange) -> bool:
    """Whether the same INVITE went to other places too (RFC 3261 section 16.7), and one of them rang or answered."""
    request = exchange.request
    if request is None or exchange.method != "INVITE" or request.to_tag:
        return False
    return any(
        message.status > 100 and message.src != request.dst and message.src is not None and message.dst == request.src
        for dialog in exchange.hop.call.dialogs
        if dialog.call_id == request.call_id
        for transaction in dialog.invites
        if transaction.request is not None
        and (transaction.request.cseq, transaction.request.from_tag) == (request.cseq, request.from_tag)
        for message in transaction.responses
    )
