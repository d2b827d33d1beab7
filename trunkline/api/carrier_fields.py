"""Fields of the forms of carriers: how they want numbers and headers, what they take, who we are for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trunkline.api.api_error import ApiError
from trunkline.api.fields import Choice, Field, Flag, FriendlyName, WholeNumber, quoted
from trunkline.api.limit_fields import Rate
from trunkline.api.limits import CONCURRENT_CALLS_MOST, PRIORITY_MOST, SIP_URL_CHARACTERS, WEIGHT_MOST
from trunkline.core import sip_uri
from trunkline.core.carrier_format import CALLER_HEADERS, NUMBER_FORMATS
from trunkline.store.carriers import canonical_target

PROBE_SECONDS_MOST = 3600
PROBE_MISSES_MOST = 100
REGISTER_EXPIRES = (60, 86_400)
RATE_SECONDS_MOST = 3600


@dataclass(frozen=True, slots=True)
class Word:
    """Characters of one kind, or none at all."""

    name: str
    column: str
    pattern: str
    what: str
    empty: str | None = None
    """What to store where it is empty."""

    def read(self, text: str) -> str | None:
        if not text:
            return self.empty
        if re.fullmatch(self.pattern, text):
            return text
        raise ApiError(20422, f"{self.name} must be {self.what}, or empty, not {quoted(text)}")


@dataclass(frozen=True, slots=True)
class HostName:
    """A host as it stands in a SIP URI, or none at all."""

    name: str
    column: str

    def read(self, text: str) -> str | None:
        if not text:
            return None
        try:
            uri = sip_uri.parse(f"sip:{text}")
        except sip_uri.SipUriError:
            uri = None
        if uri is None or uri.host_port != text or uri.user or uri.params or uri.headers or len(text) > 128:
            raise ApiError(20422, f"{self.name} must be a host such as sip.example.com, or empty, not {quoted(text)}")
        return text


@dataclass(frozen=True, slots=True)
class RegistrarUri:
    """`sip:host:port;transport=udp`, or none at all: the carrier's first target."""

    name: str = "Registrar"
    column: str = "registrar"

    def read(self, text: str) -> str | None:
        if len(text) > SIP_URL_CHARACTERS:
            raise ApiError(20422, f"{self.name} is longer than {SIP_URL_CHARACTERS} characters")
        return canonical_target(text) if text else None


@dataclass(frozen=True, slots=True)
class OrNone:
    """Another field that may be empty, which means no limit."""

    field: Field

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def column(self) -> str:
        return self.field.column

    def read(self, text: str) -> object:
        return self.field.read(text) if text else None


FIELDS: tuple[Field, ...] = (
    FriendlyName(),
    Flag("Enabled", "enabled"),
    WholeNumber("Priority", "priority", 0, PRIORITY_MOST),
    WholeNumber("Weight", "weight", 1, WEIGHT_MOST),
    Choice("NumberFormat", "number_format", NUMBER_FORMATS),
    Word("TechPrefix", "tech_prefix", r"[0-9A-Za-z*#+]{1,16}", "up to 16 digits, letters, * # or +", ""),
    Choice("CallerHeader", "caller_header", CALLER_HEADERS),
    Word("FromUser", "from_user", r"[0-9A-Za-z+._~-]{1,64}", "up to 64 digits, letters, + . _ ~ or -"),
    HostName("FromDomain", "from_domain"),
    OrNone(Rate("CpsLimit", "cps_limit")),
    OrNone(WholeNumber("ConcurrentCallsLimit", "concurrent_calls_limit", 0, CONCURRENT_CALLS_MOST)),
    WholeNumber("ProbeSeconds", "probe_seconds", 0, PROBE_SECONDS_MOST),
    WholeNumber("ProbeMisses", "probe_misses", 1, PROBE_MISSES_MOST),
    Flag("RegisterEnabled", "register_enabled"),
    RegistrarUri(),
    WholeNumber("RegisterExpires", "register_expires", *REGISTER_EXPIRES),
)
CREDENTIALS = ("AuthUsername", "AuthRealm", "AuthPassword")
