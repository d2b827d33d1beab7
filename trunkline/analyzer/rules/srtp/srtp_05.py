"""Clear audio where SRTP was agreed, or the reverse.

Proof: the bytes of the stream look like G.711 on an SAVP line, or like cipher text on an AVP line.
Traps: only streams whose bytes leave no doubt are judged; compressed codecs look like cipher text. ZRTP agrees on keys
in the media path: the SDP need not say so (RFC 6189 section 4).
Fix: the same mode at both ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import is_secure, may_be_secure
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="SRTP-05",
    title="Media is not encrypted as agreed",
    severity="critical",
    reference="RFC 3711, RFC 4568",
    fix="Set SRTP to the same mode (SDES, or none) at both ends.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and way round."""
    zrtp = {frozenset((other.src, other.dst)) for other in trace.media.other if other.kind == "zrtp"}
    for flow in flows_of(trace):
        stream = flow.stream
        if stream.encrypted is None or not flow.receiver_says or not flow.sender_says or stream.packets < 100:
            continue
        sections = [flow.receiver_says[-1][1], flow.sender_says[-1][1]]
        clear_on_secure = stream.encrypted is False and all(is_secure(section) for section in sections)
        agreed = any(may_be_secure(section) for section in sections) or frozenset((stream.src, stream.dst)) in zrtp
        cipher_on_plain = stream.encrypted and not agreed
        if not clear_on_secure and not (cipher_on_plain and stream.payload_type in (0, 8)):
            continue
        yield RULE.finding(
            f"{stream.src} sends "
            f"{'clear audio although SRTP' if clear_on_secure else 'encrypted audio although plain RTP'} "
            "was agreed.",
            "The other side decrypts what is not encrypted, or plays cipher text: noise or silence.",
            calls=flow.calls,
            evidence=[flow.quoted("bytes like clear G.711" if clear_on_secure else "bytes like cipher text")],
            confidence="strong",
            key=f"{stream.src.ip}:{clear_on_secure}",
        )
