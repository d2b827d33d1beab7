"""The provider's address is not among those that its profile lists.

Proof: the provider's side of a hop has a public address outside the networks of the profile.
Traps: published lists grow old: a DNS answer in the capture wins. A private address is an SBC in between.
Fix: the access list with all networks of the provider.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_public
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="NET-11",
    title="Provider address is not in its published list",
    severity="warn",
    reference="the provider's list of networks",
    fix="Check that this is your provider, and update firewall and identification with all of its networks.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per address."""
    networks = trace.profile.signalling.networks
    if not networks:
        return
    resolved = {answer for fact in trace.capture.dns for answer in fact.answers}
    for hop in facts_of(trace).calls():
        if hop.dialog.facing != "provider":
            continue
        peer = hop.dialog.callee if hop.termination else hop.dialog.caller
        if peer is None or not is_public(peer.ip) or trace.profile.has_address(peer.ip) or peer.ip in resolved:
            continue
        first = hop.messages[0] if hop.messages else None
        yield RULE.finding(
            f"{peer.ip} takes part as {trace.profile.title}, and is not among its published networks.",
            "A firewall that lets in the published networks only would drop it; or it is somebody else.",
            calls=[hop.id],
            evidence=[quote(first)],
            confidence="hint",
            key=peer.ip,
            provider_networks=",".join(str(network) for network in networks),
        )
