"""Somebody guesses passwords or scans for extensions.

Proof: a User-Agent of a scanner; or more than ten different users in REGISTER or INVITE from one address, refused with
401, 403, 404 or 407.
Traps: a phone with a wrong password repeats one user; a PBX that registers many accounts succeeds with them.
Fix: drop unknown sources; these are no calls of customers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from trunkline.analyzer.model.finding import Confidence, Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner, scanner_name
from trunkline.analyzer.rules.values import split_uri

RULE = Rule(
    id="AUTH-11",
    title="Password guessing or extension scan",
    severity="security",
    reference="RFC 3261 section 26.1",
    fix="Let only known networks reach the SIP port, and ban addresses that fail repeatedly.",
)
MANY = 10


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per source."""
    facts = facts_of(trace)
    users: dict[str, set[str]] = defaultdict(set)
    refused: dict[str, list[Exchange]] = defaultdict(list)
    good: set[str] = set()
    named: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in facts.exchanges:
        request = exchange.request
        if request is None:
            continue
        source = request.src.ip if request.src is not None else "an unknown address"
        if is_scanner(request):
            named[source].append(exchange)
        if exchange.method not in ("REGISTER", "INVITE") or exchange.final is None:
            continue
        if exchange.final.status < 300:
            good.add(source)
        elif exchange.final.status in (401, 403, 404, 407):
            user = (
                request.to.user
                if request.to is not None and exchange.method == "REGISTER"
                else split_uri(request.ruri)[0]
            )
            users[source].add(user)
            refused[source].append(exchange)
    for source, exchanges in named.items():
        agent = scanner_name(exchanges[0].request)
        yield _finding(
            source, exchanges, f"{source} calls itself {cut(agent, 40)!r}, a program that scans for open PBXs", "strong"
        )
    for source, tried in users.items():
        if len(tried) > MANY and source not in good and source not in named:
            yield _finding(
                source, refused[source], f"{source} tried {len(tried)} different users and got none", "strong"
            )


def _finding(source: str, exchanges: list[Exchange], what: str, confidence: Confidence) -> Finding:
    return RULE.finding(
        f"{what} ({len(exchanges):,} request{'s' if len(exchanges) != 1 else ''}).",
        "Programs on the Internet try user names and passwords until one fits, and then call expensive numbers.",
        calls=[exchange.id for exchange in exchanges],
        evidence=[quote(exchange.request, "User-Agent") for exchange in exchanges[:3]],
        confidence=confidence,
        key=source,
    )
