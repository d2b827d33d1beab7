"""What a running node says of one of its trunks, for the configuration of a PBX."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from trunkline.cli.options import cannot, load_settings
from trunkline.node import certificates
from trunkline.node.demo import Demo
from trunkline.node.started import as_started
from trunkline.settings import Settings

if TYPE_CHECKING:
    from trunkline.api.client import ApiClient


def facts(home: str | None, wanted: str) -> dict[str, Any]:
    """Fields of `pbx.config.request.TrunkRequest`, of the trunk with this SID, name or domain; besides, `ports` (plain
    and TLS) and `registration` (whether it takes any).

    Ends the program with one line where there is no node or no such trunk.
    """
    from trunkline.api.client import ApiClient, ApiRefused, ApiUnreachable

    settings = as_started(load_settings({"home": home}), {"home": home}, os.environ)
    demo = Demo.read(settings)
    found: dict[str, Any] | None = None
    try:
        for account_sid, token, url in _accounts(settings, demo):
            with ApiClient(url, account_sid, token) as api:
                if found is None and (trunk := _trunk(api, wanted)) is not None:
                    found = _facts(api, trunk, settings, demo)
    except (ApiUnreachable, ApiRefused) as problem:
        cannot(f"{problem}; or describe the trunk with --domain")
    if found is None:
        cannot(f"no trunk {wanted[:60]!r} on this node: name its SID, its name or its domain")
    return found


def _accounts(settings: Settings, demo: Demo | None) -> list[tuple[str, str, str]]:
    """SID, token and address of the accounts that the home has the tokens of."""
    found = [] if demo is None else [(demo.account_sid, demo.auth_token, demo.api_url)]
    try:
        own = json.loads(settings.account_file.read_text())
        found.append((str(own["account_sid"]), str(own["auth_token"]), str(own.get("api_url") or settings.api_url)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        if demo is None:
            cannot(f"no readable {settings.account_file}: `trunkline up` writes it; or name the trunk by --domain")
    return found


def _trunk(api: ApiClient, wanted: str) -> dict[str, Any] | None:
    names = wanted.lower()
    for trunk in api.list("/v1/Trunks"):
        own = (trunk["sid"], trunk["friendly_name"] or "", trunk["domain_name"] or "")
        if any(names == one.lower() for one in own if one):
            return dict(trunk)
    return None


def _facts(api: ApiClient, trunk: dict[str, Any], settings: Settings, demo: Demo | None) -> dict[str, Any]:
    if not trunk["domain_name"]:
        cannot(f"the trunk {trunk['sid']} has no domain name yet: set its DomainName")
    path = f"/v1/Trunks/{trunk['sid']}"
    numbers = tuple(str(row["phone_number"]) for row in api.list(f"{path}/PhoneNumbers", most=50))
    lists = list(api.list(f"{path}/CredentialLists", most=1))
    edge = settings.public_ip or (demo.sip_host if demo is not None else settings.sip_host)
    tls_port = demo.tls_port if demo is not None else settings.tls_port
    sip_port = demo.sip_port if demo is not None else settings.sip_port
    found: dict[str, Any] = {
        "domain": trunk["domain_name"],
        "secure": bool(trunk["secure"]),
        "own_ca": certificates.is_made(settings),
        "realm": settings.realm,
        "way": "credentials" if lists else "address",
        "edge": edge,
        "networks": (edge,),
        "ports": (sip_port, tls_port),
        "registration": api.get(f"/trunkline/v1/Trunks/{trunk['sid']}").get("registration") == "allowed",
    }
    if numbers:
        found["numbers"] = numbers
    if lists:
        credentials = api.account_path(f"SIP/CredentialLists/{lists[0]['sid']}/Credentials.json")
        for row in api.list(credentials, most=1):
            found["username"] = str(row["username"])
    return found
