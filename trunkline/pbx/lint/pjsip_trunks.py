"""Finds the trunks in pjsip.conf: endpoints with all that belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trunkline.pbx.lint.asterisk_conf import Configuration, Section, words
from trunkline.pbx.lint.provider import is_private
from trunkline.pbx.lint.sip_uri import ConfiguredUri, parse
from trunkline.pbx.lint.source import Endless, printable

MOST_TRUNKS = 500


@dataclass(slots=True)
class PjsipTrunk:
    """An endpoint that calls leave by or come in by, and that is no phone."""

    endpoint: Section
    aors: list[Section] = field(default_factory=list)
    identifies: list[Section] = field(default_factory=list)
    registrations: list[Section] = field(default_factory=list)
    transport: Section | None = None

    @property
    def name(self) -> str:
        return self.endpoint.name

    @property
    def proxy(self) -> str:
        """Host of its outbound proxy; empty: none."""
        return parse(self.endpoint.value("outbound_proxy")).host

    @property
    def contacts(self) -> list[ConfiguredUri]:
        return [parse(option.value) for aor in self.aors for option in aor.all("contact")]

    @property
    def is_inside(self) -> bool:
        """Whether all its contacts are in the PBX's own network, where private addresses and odd ports are in order."""
        return bool(self.contacts) and all(is_private(uri.host) for uri in self.contacts)

    @property
    def hosts(self) -> list[str]:
        """Of its contacts, its registrations and its identify sections."""
        servers = [parse(section.value("server_uri")).host for section in self.registrations]
        matched = [word for section in self.identifies for word, _ in words(section.all("match"))]
        return [uri.host for uri in self.contacts] + servers + [word.partition("/")[0] for word in matched]


def sections_of(configuration: Configuration, kind: str) -> list[Section]:
    """Sections with this `type=`, templates left out."""
    return [
        section for section in configuration.sections if not section.template and section.value("type").lower() == kind
    ]


def find(configuration: Configuration) -> list[PjsipTrunk]:
    """Every endpoint with a fixed contact and outbound_auth, an identify section or a registration of its own.

    A phone with a fixed contact and a password of its own, and nothing else, is none.
    """
    aors = {section.name: section for section in sections_of(configuration, "aor")}
    transports = {section.name: section for section in sections_of(configuration, "transport")}
    identifies = _by(sections_of(configuration, "identify"), lambda section: section.value("endpoint"))
    registrations = sections_of(configuration, "registration")
    by_endpoint = _by(registrations, lambda section: section.value("endpoint"))
    by_host = _by(registrations, lambda section: parse(section.value("server_uri")).host)
    found = []
    for endpoint in sections_of(configuration, "endpoint"):
        trunk = PjsipTrunk(endpoint)
        trunk.aors = [aors[name] for name, _ in words(endpoint.all("aors")) if name in aors]
        trunk.identifies = identifies.get(endpoint.name, [])
        trunk.transport = transports.get(endpoint.value("transport"))
        own = list(by_endpoint.get(endpoint.name, ()))
        for host in sorted({uri.host for uri in trunk.contacts}):
            own += [section for section in by_host.get(host, ()) if section not in own]
        trunk.registrations = own
        is_plain = bool(trunk.contacts) and not endpoint.value("auth")
        if endpoint.value("outbound_auth") or trunk.registrations or trunk.identifies or is_plain:
            found.append(trunk)
    if len(found) > MOST_TRUNKS:
        raise Endless(f"{printable(configuration.file)}: has more than {MOST_TRUNKS} trunks")
    return found


def _by(sections: list[Section], key: Callable[[Section], str]) -> dict[str, list[Section]]:
    """Sections by a name in them; those without one are left out."""
    found: dict[str, list[Section]] = {}
    for section in sections:
        if name := key(section):
            found.setdefault(name, []).append(section)
    return found
