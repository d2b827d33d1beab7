"""Where rules put what they find, and how they choose the provider that a trunk is judged by."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from trunkline.pbx.lint.finding import HINT, PROBLEM, LintFinding, Place
from trunkline.pbx.lint.provider import Provider, is_private

GENERIC = Provider()


def _is_public(host: str) -> bool:
    """Whether this is an address, and one of the internet."""
    try:
        return bool(ipaddress.ip_address(host)) and not is_private(host)
    except ValueError:
        return False


class Desk:
    """Collects the findings of one run.

    `chosen` is the provider that the user named; `known` are those that may be recognised by the host of a trunk where
    none was named.
    """

    def __init__(self, chosen: Provider | None, known: Iterable[Provider]) -> None:
        self.chosen = chosen
        self._known = tuple(known)
        self.findings: list[LintFinding] = []

    def provider_of(self, hosts: Iterable[str], *, only_trunk: bool, proxy: str = "") -> Provider:
        """Who a trunk with these hosts is of. A chosen provider whose names are not known gets every trunk, and one
        whose names are known also the only trunk that there is, where it is given by a public address and not by
        another name.

        `proxy`: host that the trunk's calls are sent to whatever they name. A trunk that bears a provider's name and is
        sent elsewhere is none of its own: a node of ours may serve the same names.
        """
        hosts = [host for host in hosts if host]
        if self.chosen is not None:
            mine = not self.chosen.hosts or any(map(self.chosen.has_host, hosts))
            unnamed = only_trunk and bool(hosts) and all(map(_is_public, hosts))
            return self.chosen if mine or unnamed or any(map(self.chosen.is_parent, hosts)) else GENERIC
        for provider in self._known:
            if proxy and not provider.has_host(proxy):
                continue
            if any(provider.has_host(host) or provider.is_parent(host) for host in hosts):
                return provider
        return GENERIC

    def problem(
        self, rule: str, place: Place, what: str, why: str, corrected: str, provider: Provider = GENERIC
    ) -> None:
        """A setting whose effect is certain."""
        self.findings.append(LintFinding(rule, PROBLEM, place, what, why, corrected, provider.name))

    def hint(self, rule: str, place: Place, what: str, why: str, corrected: str, provider: Provider = GENERIC) -> None:
        """A setting that may hurt, depending on what the files do not say."""
        self.findings.append(LintFinding(rule, HINT, place, what, why, corrected, provider.name))

    def judge(
        self, certain: bool, rule: str, place: Place, what: str, why: str, corrected: str, provider: Provider = GENERIC
    ) -> None:
        """A problem where its effect is certain, else a hint."""
        (self.problem if certain else self.hint)(rule, place, what, why, corrected, provider)

    def sorted(self) -> list[LintFinding]:
        """Problems first, then by place; what was found twice, by two trunks that share a setting, once."""
        unique = {(one.rule, one.place.file, one.place.line, one.what): one for one in self.findings}
        return sorted(
            unique.values(), key=lambda one: (one.severity != PROBLEM, one.place.file, one.place.line, one.rule)
        )
