"""Takes apart the SIP URIs of configuration files."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ConfiguredUri:
    user: str = ""
    host: str = ""
    """In lower case, IPv6 addresses without brackets."""
    port: int | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    """Names and values in lower case."""
    sips: bool = False

    @property
    def transport(self) -> str:
        """`udp`, `tcp`, `tls` …; empty where it does not say."""
        return "tls" if self.sips else self.parameters.get("transport", "")


def parse(text: str) -> ConfiguredUri:
    """`sip:user@host:port;name=value`, the scheme and all else optional. What is no URI gives one without a host."""
    text = text.strip().strip('"<>').strip()
    scheme, colon, rest = text.partition(":")
    sips = colon == ":" and scheme.lower() == "sips"
    if colon and scheme.lower() in ("sip", "sips"):
        text = rest.removeprefix("//")
    text = text.partition("?")[0]
    user, at, rest = text.rpartition("@")
    if not at:
        user, rest = "", text
    address, *parameters = rest.split(";")
    host, port = _host_and_port(address.strip())
    named = {
        name.strip().lower(): value.strip().lower() for name, _, value in (one.partition("=") for one in parameters)
    }
    return ConfiguredUri(user.partition(":")[0], host, port, named, sips)


def _host_and_port(address: str) -> tuple[str, int | None]:
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        port = rest.removeprefix(":")
    elif address.count(":") > 1:
        host, port = address, ""
    else:
        host, _, port = address.partition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
    return host.strip().lower(), number
