"""The call log of the node that a home belongs to, for commands: its API as the first account, what is a failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trunkline.cli.options import cannot

if TYPE_CHECKING:
    from trunkline.api.client import ApiClient
    from trunkline.settings import Settings

PATH = "/trunkline/v1/Calls"


def log_client(settings: Settings, url: str) -> ApiClient:
    """The API at `url` as the node's first account, which sees every call. Ends the program where the home has none."""
    from trunkline.api.client import ApiClient

    try:
        account = json.loads(settings.account_file.read_text())
        return ApiClient(url, account["account_sid"], account["auth_token"])
    except (OSError, ValueError, KeyError):
        cannot(f"no readable {settings.account_file}: `trunkline up` writes it; or name another --home")


def has_failed(call: dict[str, Any]) -> bool:
    """Whether a record (`/trunkline/v1/Calls`) is of a call that failed. Answered ones do when they end with an error;
    busy, unanswered and cancelled ones do not.
    """
    return bool(call["status"] == "failed" or call["error_code"])


def way(call: dict[str, Any]) -> str:
    """termination or origination."""
    return "termination" if call["direction"] == "trunking-terminating" else "origination"
