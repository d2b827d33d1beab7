"""Telephone numbers in SIP URIs: E.164, and the forms that are not."""

from __future__ import annotations

from trunkline.analyzer.model.message import Message
from trunkline.analyzer.rules.values import split_uri

_SPECIAL_LENGTH = 6
_FILLERS = str.maketrans("", "", " -.()/")


def is_e164(user: str) -> bool:
    """`+`, then 7 to 15 digits of which the first is not 0 (ITU-T E.164, RFC 3966 global-number without fillers)."""
    digits = user[1:]
    return user[:1] == "+" and digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15 and digits[0] != "0"


def is_special(user: str) -> bool:
    """Emergency and short codes (911, 112, 611 …) and feature codes (`*97`): they have no E.164 form."""
    bare = user.lstrip("+")
    return user[:1] in "*#" or (bare.isdigit() and len(bare) <= _SPECIAL_LENGTH)


def digits_of(user: str) -> str:
    """The digits alone, at most 32."""
    bare = user[1:] if user[:1] == "+" else user
    if bare.isascii() and bare.isdigit():
        return bare[:32]
    return "".join(char for char in user if char.isascii() and char.isdigit())[:32]


def number_form(user: str) -> str:
    """What is wrong with a called number that should be E.164; empty: nothing is, or it is no number at all."""
    plain = user.translate(_FILLERS)
    if is_e164(user) or is_special(user) or not plain.lstrip("+").isdigit():
        return ""
    if plain != user:
        return "holds blanks or punctuation"
    if user.startswith("+"):
        return "has 0 behind the +" if user[1:2] == "0" else f"has {len(user) - 1} digits"
    for prefix in ("011", "00"):
        if user.startswith(prefix):
            return f"begins with {prefix} instead of +"
    return "has no +"


def user_of(uri: str) -> str:
    """User part of a URI."""
    return split_uri(uri)[0]


def asserted_numbers(message: Message) -> list[str]:
    """Users of P-Asserted-Identity, P-Preferred-Identity and Remote-Party-ID."""
    found = []
    for name in ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"):
        for header in message.all(name):
            for value in header.value.split(",")[:4]:
                uri = value.partition("<")[2].partition(">")[0] or value.strip()
                found.append(
                    uri.partition(":")[2].partition(";")[0] if uri.lower().startswith("tel:") else user_of(uri)
                )
    return [user for user in found if user]
