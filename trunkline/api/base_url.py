"""Which scheme and host the links in an answer carry.

A client that was told to send `https://api.twilio.com/…` here (a rewriting HTTP client, a proxy) must get links back
that it will send here again: the *canonical* `https://<product>.twilio.com`. A client that was given our own address
must get our own address. The request's Host header tells one from the other, so no setting is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

VENDOR_DOMAIN = "twilio.com"

PRODUCT_OF_PREFIX = {
    "/2010-04-01": "api",
    "/v1/Trunks": "trunking",
    "/v1/Alerts": "monitor",
    "/v1/DialingPermissions": "voice",
}
"""First segments of a path → product. They do not overlap, so the path alone names the product."""


def product_of_path(path: str) -> str | None:
    """`/v1/Trunks/TK…` → `trunking`; None where the path is of no published product."""
    for prefix, product in PRODUCT_OF_PREFIX.items():
        if path == prefix or path.startswith(prefix + "/"):
            return product
    return None


def vendor_product(host: str) -> str | None:
    """`trunking.dublin.ie1.twilio.com:443` → `trunking` (edge and region are ignored); None for any other host."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.lower().rstrip(".")
    return name.split(".")[0] if name.endswith("." + VENDOR_DOMAIN) else None


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """Where links point to, for one request."""

    own: str
    """Scheme and host of this server, `http://127.0.0.1:8080`."""
    canonical: bool
    """True: the client believes that it speaks to the vendor's hosts."""

    def of(self, product: str) -> str:
        """Base for links of a published product; no slash at the end."""
        return f"https://{product}.{VENDOR_DOMAIN}" if self.canonical else self.own


def base_url(scope: Scope) -> BaseUrl:
    """The base of one request, from Host, X-Forwarded-Proto and (where Host is a vendor's name) the bound socket."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    bound_host, bound_port = scope.get("server") or ("127.0.0.1", None)
    bound = f"[{bound_host}]" if ":" in bound_host else bound_host
    here = f"{scope['scheme']}://{bound}:{bound_port}" if bound_port else f"{scope['scheme']}://{bound}"
    if vendor_product(host):
        return BaseUrl(own=here, canonical=True)
    forwarded = headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    scheme = forwarded if forwarded in ("http", "https") else scope["scheme"]
    return BaseUrl(own=f"{scheme}://{host}" if _is_host(host) else here, canonical=False)


def _is_host(text: str) -> bool:
    """A Host header that may be put into a link: nothing in it that ends a host or needs escaping."""
    return bool(text) and len(text) <= 261 and all(c.isascii() and (c.isalnum() or c in ".-_:[]") for c in text)
