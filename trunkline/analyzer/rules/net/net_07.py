"""TCP is refused, reset or closed in the middle of a call.

Proof: a SYN to a SIP port is answered by RST; or a connection with SIP is reset between INVITE and BYE.
Traps: a connection that is idle, closed and made anew is fine. A program tries TCP for what is too large for UDP (RFC
3261 section 18.1.1), and goes on over UDP where that is refused.
Fix: keep-alive every 30 s, longer idle timers in firewalls.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_place
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="NET-07",
    title="TCP refused or reset",
    severity="warn",
    reference="RFC 9293 section 3.5.2, RFC 5923",
    fix="Send CRLF or OPTIONS every 30 s, and raise the idle timer of the firewall; check that the port is open.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server and kind."""
    facts = trace.capture.tcp
    asked = {(fact.src, fact.dst) for fact in facts if fact.kind == "syn"}
    greeted = {(fact.dst, fact.src) for fact in facts if fact.kind == "syn_ack"}
    sip = {(m.src, m.dst) for m in trace.messages if m.raw.transport in ("tcp", "tls", "ws", "wss")}
    udp = {
        frozenset((m.src.ip, m.dst.ip))
        for m in trace.messages
        if m.src is not None and m.dst is not None and m.raw.transport == "udp" and m.status
    }
    for fact in facts:
        if fact.kind != "rst":
            continue
        way, back = (fact.dst, fact.src), (fact.src, fact.dst)
        if way in asked and way not in greeted and not fact.payload_before and fact.src.port in (5060, 5061):
            also_udp = frozenset((fact.src.ip, fact.dst.ip)) in udp
            yield RULE.finding(
                f"{fact.src} refused the TCP connection from {fact.dst.ip}"
                + ("; the two speak SIP over UDP instead." if also_udp else "."),
                "No program listens on this port, or a firewall refuses it.",
                evidence=[quote_place(fact.place, "TCP", "RST answers SYN", fact.time)],
                severity="info" if also_udp else "critical",
                confidence="strong",
                key=f"refused:{fact.src}:{also_udp}",
                transport="tcp",
            )
        elif fact.payload_before and (way in sip or back in sip):
            hurt = _open_calls(trace, fact.src, fact.dst, fact.time)
            if hurt:
                yield RULE.finding(
                    f"{fact.src} reset the TCP connection with {fact.dst} in the middle of {len(hurt)} calls.",
                    "Later requests of these calls need a new connection, which a NAT often does not let in.",
                    calls=hurt,
                    evidence=[quote_place(fact.place, "TCP", "RST", fact.time)],
                    confidence="strong",
                    key=f"reset:{fact.src.ip}:{fact.dst.ip}",
                    transport="tcp",
                )


def _open_calls(trace: Trace, one: Endpoint, other: Endpoint, time: float) -> list[str]:
    hurt = []
    for hop in facts_of(trace).calls():
        call = hop.call
        if call.answered is None or not call.answered < time < (call.ended or 0.0) - 0.5:
            continue
        if any({message.src, message.dst} == {one, other} for message in hop.messages):
            hurt.append(call.id)
    return hurt
