"""What a provider requires, as data: one TOML file for each, read into a `Profile`. docs/analyzer-profiles.md describes
the format. A key that nobody knows is an error: a requirement that is misspelt would silently not be judged.
"""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

Network = IPv4Network | IPv6Network
NumberFormat = Literal["any", "+e164", "e164", "national"]
Support = Literal["yes", "no", "ignored", "unknown"]


class ProfileInvalid(ValueError):
    """A profile that cannot be used. The text names file and key, and says what to write there."""


@dataclass(frozen=True, slots=True)
class Signalling:
    """Where the provider speaks SIP, and how it is recognised."""

    hosts: tuple[str, ...] = ()
    """Names in Request-URI, From or Via: `sip.example.net`, `*.example.net` for all below (not itself)."""
    request_hosts: tuple[str, ...] = ()
    """Those that a Request-URI towards the provider may have; empty: any."""
    networks: tuple[Network, ...] = ()
    """Source and destination addresses; empty: not published, none is judged."""
    transports: tuple[Literal["udp", "tcp", "tls", "ws", "wss"], ...] = ()
    """Empty: any."""
    port_udp: int = 5060
    port_tcp: int = 5060
    port_tls: int = 5061
    max_udp_bytes: int = 1300
    """Largest request over UDP (RFC 3261 section 18.1.1)."""
    agents: tuple[str, ...] = ()
    """How its User-Agent or Server begins, in any case."""
    headers: tuple[str, ...] = ()
    """Headers that only this provider sends; `X-Name-*` for all that begin so."""
    srv: bool = True
    """Whether it looks up and publishes SRV records."""
    private_contact: bool = False
    """Its own Contact and lower Vias hold private addresses, reachable through Record-Route: no fault."""
    options: Support = "unknown"
    """Whether OPTIONS is answered."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who proves what to whom."""

    modes: tuple[Literal["address", "digest", "register"], ...] = ()
    """`register`: the PBX registers. Empty: not known."""
    realms: tuple[str, ...] = ()
    challenge_status: Literal[0, 401, 407] = 0
    """Status of its challenge to an INVITE; 0: either."""
    algorithms: tuple[str, ...] = ()
    answers_challenges: bool = True
    """False: it never answers a 401 or 407 of the PBX (origination must be let in by address)."""
    register: Support = "unknown"


@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers are written in the user part."""

    called: NumberFormat = "any"
    """In the Request-URI towards the provider."""
    caller: NumberFormat = "any"
    origination: NumberFormat = "any"
    """In the Request-URI that the provider sends."""
    exempt: tuple[str, ...] = ()
    """Emergency and short numbers."""
    prefix: str = ""
    """Digits that must come first (tech prefix)."""


@dataclass(frozen=True, slots=True)
class CallerId:
    """Where the caller ID is taken from."""

    sources: tuple[str, ...] = ("P-Asserted-Identity", "Remote-Party-ID", "From")
    """Headers, the one that counts first."""
    must_be_owned: bool = False
    """Only numbers of the account or verified ones."""
    from_host_judged: bool = False
    forwarded: tuple[str, ...] = ()
    """Headers that it trusts for forwarded calls: `Diversion`, `History-Info`."""
    privacy: Support = "unknown"


@dataclass(frozen=True, slots=True)
class MediaRules:
    """RTP as the provider takes it."""

    networks: tuple[Network, ...] = ()
    port_first: int = 1024
    port_last: int = 65535
    codecs: tuple[str, ...] = ()
    """Encoding names as in SDP; empty: not known."""
    limited_codecs: tuple[str, ...] = ()
    """Only for some customers, or some ways."""
    ptime: int = 20
    max_ptime: int = 0
    """0: not known."""
    dtmf: Literal["rfc4733", "inband", "info", "any"] = "any"
    dtmf_payload_type: int = 0
    """Of its own offers; 0: not known."""
    srtp: Literal["sdes", "dtls", "no", "unknown"] = "unknown"
    """`sdes`: allowed or required, as the trunk is set."""
    srtp_with_udp: bool = True
    """False: SRTP only on secure trunks (TLS signalling); it is refused on others."""
    srtp_suites: tuple[str, ...] = ()
    t38: Support = "unknown"
    early_media: Support = "unknown"
    rtp_timeout: int = 0
    """Seconds without RTP after which it hangs up; 0: not known."""
    late_offer: Support = "unknown"


@dataclass(frozen=True, slots=True)
class Features:
    """Extensions of SIP."""

    session_timers: Support = "unknown"
    prack: Support = "unknown"
    update: Support = "unknown"
    refer: Support = "unknown"
    redirect: Support = "unknown"
    """Whether it follows a 302 of the PBX."""
    info_dtmf: Support = "unknown"


@dataclass(frozen=True, slots=True)
class LimitRules:
    """0: none, or not known."""

    calls_per_second: float = 0
    concurrent_calls: int = 0
    call_seconds: int = 0
    post_dial_seconds: int = 0
    options_interval: int = 0
    """Seconds between OPTIONS pings that it puts up with."""
    min_max_forwards: int = 0
    client_failover_seconds: float = 0
    """After how long without a provisional response its other address should be tried."""
    no_ack_seconds: int = 32


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code of the provider's error header."""

    text: str
    rule: str = ""
    """Rule id that it proves; empty: none of the list."""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Errors:
    """How it says why it refused."""

    header: str = ""
    """Its value begins with a code of `codes`."""
    codes: dict[str, ErrorCode] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Text within a reason phrase, in lower case, to the code that it stands for."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One provider."""

    name: str
    title: str
    document: str = ""
    """Where the provider says so."""
    signalling: Signalling = Signalling()
    authentication: Authentication = Authentication()
    numbers: Numbers = Numbers()
    caller_id: CallerId = CallerId()
    media: MediaRules = MediaRules()
    features: Features = Features()
    limits: LimitRules = LimitRules()
    errors: Errors = Errors()
    documents: dict[str, str] = field(default_factory=dict)
    """Topic (`authentication`, `numbers`, `codecs` …, as the tables above) to the document to cite."""

    @property
    def is_generic(self) -> bool:
        return self.name == "generic"

    def has_host(self, host: str) -> bool:
        """Whether a host name or address in a URI is the provider's."""
        return matches_host(host, self.signalling.hosts) or self.has_address(host)

    def has_address(self, ip: str) -> bool:
        """Whether it signals from this address. False where it is no address."""
        return in_networks(ip, self.signalling.networks)

    def has_media_address(self, ip: str) -> bool:
        return in_networks(ip, self.media.networks)

    def has_request_host(self, host: str) -> bool:
        """Whether a Request-URI with this host may go to it; True where the profile does not say."""
        return not self.signalling.request_hosts or matches_host(host, self.signalling.request_hosts)

    def number_ok(self, number: str, wanted: NumberFormat) -> bool:
        """Whether a called or calling number is written as the provider wants it."""
        if number in self.numbers.exempt:
            return True
        digits = number.removeprefix("+").removeprefix(self.numbers.prefix)
        if wanted == "any":
            return True
        if not (digits.isascii() and digits.isdigit()):
            return False
        if wanted == "+e164":
            return number.startswith("+") and 7 <= len(digits) <= 15 and digits[0] != "0"
        if wanted == "e164":
            return not number.startswith("+") and 7 <= len(digits) <= 15 and digits[0] != "0"
        return not number.startswith("+")

    def error_code(self, header_value: str, reason: str = "") -> tuple[str, ErrorCode] | None:
        """The code that a refusal names, in the provider's header or in its reason phrase."""
        digits = header_value.strip().split(" ", 1)[0].strip(':"') if header_value else ""
        if digits in self.errors.codes:
            return digits, self.errors.codes[digits]
        lower = reason.lower()
        for text, code in self.errors.reasons.items():
            if lower and text in lower and code in self.errors.codes:
                return code, self.errors.codes[code]
        return None


def matches_host(host: str, patterns: tuple[str, ...]) -> bool:
    """`*.example.net` is any name below, `a.*.example.net` has one label for the star; others must be equal. Case does
    not count.
    """
    labels = host.lower().rstrip(".").split(".")
    return any(_matches(labels, pattern.lower().split(".")) for pattern in patterns)


def _matches(labels: list[str], pattern: list[str]) -> bool:
    if "" in labels:
        return False
    if pattern[0] == "*":
        if len(labels) < len(pattern):
            return False
        pattern = pattern[1:]
        labels = labels[len(labels) - len(pattern) :]
    return len(labels) == len(pattern) and all(
        wanted in ("*", label) for label, wanted in zip(labels, pattern, strict=True)
    )


def in_networks(ip: str, networks: tuple[Network, ...]) -> bool:
    if not networks:
        return False
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address.version == network.version and address in network for network in networks)


def builtin_names() -> list[str]:
    """Names of the profiles that come along."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))


def load_profile(name_or_path: str) -> Profile:
    """A profile that comes along by its name, any other by its file's path. Raises ProfileInvalid."""
    if name_or_path in builtin_names():
        return _builtin(name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.is_file():
        names = ", ".join(builtin_names())
        raise ProfileInvalid(f"no provider profile {name_or_path!r}: there are {names}, or name a .toml file")
    return _read(path)


@lru_cache(maxsize=8)
def _builtin(name: str) -> Profile:
    return _read(Path(__file__).parent / f"{name}.toml")


def _read(path: Path) -> Profile:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ProfileInvalid(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileInvalid(f"{path}: no valid TOML: {error}") from error
    values.setdefault("name", path.stem)
    return profile_of(values, str(path))


def profile_of(values: dict[str, Any], where: str) -> Profile:
    """From parsed TOML. `where` begins each error. Raises ProfileInvalid."""
    made = _build(Profile, values, where, "")
    assert isinstance(made, Profile)
    return made


def _build(kind: Any, values: Any, where: str, prefix: str) -> Any:
    if not isinstance(values, dict):
        raise ProfileInvalid(f"{where}: {prefix.rstrip('.')} must be a table")
    hints = get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}
    for key in values:
        if key not in known:
            raise ProfileInvalid(f"{where}: unknown key {prefix}{key}; known here: {', '.join(sorted(known))}")
    for name, item in known.items():
        if name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise ProfileInvalid(f"{where}: {prefix}{name} is missing")
    return kind(**{key: _value(hints[key], value, where, f"{prefix}{key}") for key, value in values.items()})


def _value(hint: Any, value: Any, where: str, key: str) -> Any:
    if is_dataclass(hint):
        return _build(hint, value, where, f"{key}.")
    origin = get_origin(hint)
    if origin is tuple:
        if not isinstance(value, list):
            raise ProfileInvalid(f"{where}: {key} must be a list, not {value!r}")
        return tuple(_value(get_args(hint)[0], item, where, key) for item in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise ProfileInvalid(f"{where}: {key} must be a table")
        return {str(k): _value(get_args(hint)[1], v, where, f"{key}.{k}") for k, v in value.items()}
    if origin is Literal:
        if value not in get_args(hint):
            allowed = ", ".join(repr(choice) for choice in get_args(hint))
            raise ProfileInvalid(f"{where}: {key} is {value!r}, must be one of {allowed}")
        return value
    if hint == Network:
        return _network(value, where, key)
    return _plain(hint, value, where, key)


def _network(value: Any, where: str, key: str) -> Network:
    try:
        return ip_network(value)
    except ValueError as error:
        raise ProfileInvalid(f"{where}: {key}: {error}; write it as 192.0.2.0/24") from error


def _plain(hint: Any, value: Any, where: str, key: str) -> Any:
    wanted = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[hint]
    fits = type(value) is hint or (hint is float and type(value) is int)
    if not fits or (hint in (int, float) and not 0 <= value <= 1_000_000_000):
        raise ProfileInvalid(f"{where}: {key} is {value!r}, must be {wanted}")
    return value
