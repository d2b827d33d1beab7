"""The call log of the node that a home belongs to, for commands: its API as the first account, what is a failure."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from trunkline.cli.options import cannot, node_url

if TYPE_CHECKING:
    from trunkline.api.client import ApiClient
    from trunkline.settings import Settings

PATH = "/trunkline/v1/Calls"
LOOK_EVERY = 0.1
NO_ACCOUNT = (OSError, ValueError, KeyError, TypeError)
"""The home has no account file, or none of ours."""


def log_client(settings: Settings, url: str) -> ApiClient:
    """The API at `url` as the node's first account, which sees every call. Ends the program where the home has none."""
    try:
        return _client(settings, url)
    except NO_ACCOUNT:
        cannot(f"no readable {settings.account_file}: `trunkline up` writes it; or name another --home")


def sid_of(settings: Settings, sip_call_id: str, *, within: float) -> str | None:
    """SID of the newest call with this Call-ID on the node of that home; None where it knows none after `within`
    seconds, or does not answer. The recorder is some tenths of a second behind the edge.
    """
    from trunkline.api.client import ApiClientError

    until = time.monotonic() + within
    try:
        with _client(settings, node_url(settings, {})) as api:
            while True:
                for found in api.list(PATH, most=1, SipCallId=sip_call_id):
                    return str(found["sid"])
                if time.monotonic() >= until:
                    return None
                time.sleep(LOOK_EVERY)
    except (*NO_ACCOUNT, ApiClientError):
        return None


def _client(settings: Settings, url: str) -> ApiClient:
    """Raises one of NO_ACCOUNT."""
    from trunkline.api.client import ApiClient

    account = json.loads(settings.account_file.read_text())
    return ApiClient(url, account["account_sid"], account["auth_token"])


def has_failed(call: dict[str, Any]) -> bool:
    """Whether a record (`/trunkline/v1/Calls`) is of a call that failed. Answered ones do when they end with an error;
    busy, unanswered and cancelled ones do not.
    """
    return bool(call["status"] == "failed" or call["error_code"])


def way(call: dict[str, Any]) -> str:
    """termination or origination."""
    return "termination" if call["direction"] == "trunking-terminating" else "origination"
