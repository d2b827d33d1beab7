"""Named fields of the forms: from the text of a parameter to the value of a column, or one clear error.

A resource file lists its fields; `read_fields` gives the columns to set. A parameter that was not sent changes nothing,
one that was sent empty clears where clearing means something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from trunkline.api.api_error import ApiError
from trunkline.api.limits import FRIENDLY_NAME_CHARACTERS, URL_CHARACTERS
from trunkline.api.params import Params
from trunkline.core.e164 import is_e164


class Field(Protocol):
    @property
    def name(self) -> str:
        """Of the parameter: CamelCase."""

    @property
    def column(self) -> str:
        """Of the model, and of the answer where it is published."""

    def read(self, text: str) -> Any:
        """The value to store. Raises ApiError."""


def read_fields(fields: Sequence[Field], params: Params, *, required: Iterable[str] = ()) -> dict[str, Any]:
    """Columns and their new values, for the fields that were sent. A missing required one is an ApiError 20001."""
    wanted = set(required)
    values: dict[str, Any] = {}
    for field in fields:
        text = params.required(field.name) if field.name in wanted else params.get(field.name)
        if text is not None:
            values[field.column] = field.read(text)
    return values


def change(row: object, values: dict[str, Any]) -> None:
    """Set the columns. An equal value is no change to SQLAlchemy, so it sends no UPDATE and the change log no row."""
    for column, value in values.items():
        setattr(row, column, value)


@dataclass(frozen=True, slots=True)
class FriendlyName:
    name: str = "FriendlyName"
    column: str = "friendly_name"

    def read(self, text: str) -> str:
        if len(text) > FRIENDLY_NAME_CHARACTERS:
            raise ApiError(20002, f"{self.name} is longer than {FRIENDLY_NAME_CHARACTERS} characters")
        return text


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    column: str
    allowed: tuple[str, ...]

    def read(self, text: str) -> str:
        for value in self.allowed:
            if value.lower() == text.lower():
                return value
        raise ApiError(20422, f"{self.name} must be one of {', '.join(self.allowed)}, not {quoted(text)}")


@dataclass(frozen=True, slots=True)
class Flag:
    name: str
    column: str

    def read(self, text: str) -> bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise ApiError(20422, f"{self.name} must be true or false, not {quoted(text)}")


@dataclass(frozen=True, slots=True)
class WholeNumber:
    name: str
    column: str
    least: int
    most: int

    def read(self, text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text) and self.least <= int(text) <= self.most:
            return int(text)
        raise ApiError(
            20422, f"{self.name} must be a whole number from {self.least} to {self.most}, not {quoted(text)}"
        )


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An absolute http or https URL; empty clears it."""

    name: str
    column: str

    def read(self, text: str) -> str | None:
        if not text:
            return None
        if len(text) <= URL_CHARACTERS and _is_web_url(text):
            return text
        raise ApiError(20422, f"{self.name} must be an absolute http or https URL, not {quoted(text)}")


@dataclass(frozen=True, slots=True)
class E164Number:
    name: str
    column: str
    error_code: int = 21421

    def read(self, text: str) -> str:
        # "PhoneNumber=+1555…" with a plus sign that was not escaped arrives as a blank.
        number = "+" + text[1:] if text.startswith(" ") else text
        if is_e164(number):
            return number
        raise ApiError(self.error_code, f"{self.name} must be in E.164, such as +15550100123, not {quoted(text)}")


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address, or a network where a prefix may stand behind it. The store reads it; a zone is none of a list."""

    name: str
    column: str

    def read(self, text: str) -> str:
        if "%" in text:
            raise ApiError(21238, f"{self.name} {quoted(text)} has a zone, which only its own machine knows")
        return text.strip()


HTTP_METHODS = ("GET", "POST")


def quoted(text: str) -> str:
    """What the sender sent, quoted, short enough for a message."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _is_web_url(text: str) -> bool:
    if any(c.isspace() for c in text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
