"""What the API's tests say of answers, and names that no other test uses."""

from __future__ import annotations

import secrets


def made(response) -> dict:
    """The view of what was created."""
    assert response.status_code == 201, response.text
    return response.json()


def code(response, http_status: int = 400) -> int:
    """The error code of a refusal, whose body must have the published shape."""
    assert response.status_code == http_status, response.text
    body = response.json()
    assert set(body) == {"code", "message", "more_info", "status"}
    assert body["status"] == http_status
    assert body["more_info"].endswith(f"/docs/errors/{body['code']}")
    return body["code"]


def label() -> str:
    return "t" + secrets.token_hex(6)


def phone_number() -> str:
    return f"+1555{secrets.randbelow(10**7):07d}"
