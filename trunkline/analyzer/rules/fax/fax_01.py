"""A switch to T.38 is refused.

Proof: a re-INVITE with m=image is refused with 488, 415, 606 or another 4xx to 6xx.
Traps: a re-INVITE back to audio right after is a clean fallback: a fact then.
Fix: T.38 on both sides, or G.711 with error correction off.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import is_fax
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote, quote_sdp
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="FAX-01",
    title="T.38 refused",
    severity="warn",
    reference="RFC 3362, ITU-T T.38 annex D",
    fix="Allow T.38 on both sides, or send faxes over G.711 with error correction (ECM) off.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per refusing host and status."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or final is None or not is_fax(request.sdp):
            continue
        if not 400 <= final.status < 700 or final.status in (401, 407, 422, 487, 491):
            continue
        falls_back = _falls_back(exchange, request)
        yield RULE.finding(
            f"{final.src or 'The other side'} refuses to switch the call to T.38: {reason_text(final)}"
            + ("; it goes on with audio." if falls_back else "."),
            "A fax over audio is sensitive to loss and jitter; without T.38 long faxes break off.",
            calls=[exchange.id],
            evidence=[quote(final), quote_sdp(request, "m=image")],
            severity="info" if falls_back else "warn",
            key=f"{final.src.ip if final.src else ''}:{final.status}:{falls_back}",
            values=values_of(exchange.hop, request, final),
        )


def _falls_back(refused: Exchange, before: Message) -> bool:
    """A later re-INVITE of the same call with audio was answered."""
    return any(
        exchange.method == "INVITE"
        and exchange.request is not None
        and exchange.request.index > before.index
        and exchange.final is not None
        and exchange.final.status < 300
        and not is_fax(exchange.request.sdp)
        for exchange in refused.hop.after(refused)
    )
