"""The firewall or NAT forgets the path to a registered PBX.

Proof: a request to a registered client is sent three times without an answer, more than 30 s after the client's last
packet to that server; before, or after its next REGISTER, requests do arrive.
Traps: a client that is off does not answer either: the REGISTER that follows tells.
Fix: keep-alive below the NAT's timeout.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NET-10",
    title="Firewall or NAT binding expires",
    severity="critical",
    reference="RFC 5626 section 4.4, RFC 4787 section 4.3",
    fix="Send OPTIONS or CRLF every 25 to 30 s, or register more often than the NAT forgets.",
    needs=("time", "addresses", "both_directions"),
)
QUIET = 30.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per client."""
    facts = facts_of(trace)
    clients: dict[tuple[str, str], list[float]] = defaultdict(list)
    for exchange in facts.by_method.get("REGISTER", ()):
        request = exchange.request
        if (
            exchange.final is None
            or exchange.final.status >= 300
            or request is None
            or request.src is None
            or request.dst is None
        ):
            continue
        if request.time is not None:
            clients[request.dst.ip, request.src.ip].append(request.time)
    if not clients:
        return
    spoken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for message in trace.messages:
        if message.src is not None and message.dst is not None and message.time is not None:
            spoken[message.src.ip, message.dst.ip].append(message.time)
    for exchange in facts.exchanges:
        request = exchange.request
        if request is None or request.src is None or request.dst is None or request.time is None:
            continue
        registered = clients.get((request.src.ip, request.dst.ip))
        if not registered or exchange.transaction.responses or len(exchange.transaction.requests) < 3:
            continue
        before = [time for time in spoken[request.dst.ip, request.src.ip] if time < request.time]
        after = [time for time in registered if time > request.time]
        if not before or request.time - before[-1] < QUIET or not after:
            continue
        yield RULE.finding(
            f"{exchange.method} to the registered {request.dst} got no answer; its last packet was "
            f"{request.time - before[-1]:.0f} s before, and it registered again {after[0] - request.time:.0f} s later.",
            "The NAT or firewall let packets in only as long as the client had sent one not long ago.",
            calls=[exchange.id],
            evidence=[quote(request)],
            confidence="strong",
            key=str(request.dst.ip),
            expires=25,
            values=values_of(exchange.hop, request),
        )
