"""Numbers in +E.164 form (ITU-T E.164; the `+` form is the global number of RFC 3966): a plus sign and 7 to 15
digits, the first not 0.
"""

from __future__ import annotations

MIN_DIGITS, MAX_DIGITS = 7, 15

_SEPARATORS = str.maketrans("", "", " -.()")


def is_e164(text: str) -> bool:
    """Whether `text` is +E.164 as it stands; separators, parameters and missing plus signs are not forgiven."""
    # By methods of str: on the call path a regular expression costs three times that.
    return (
        MIN_DIGITS < len(text) <= MAX_DIGITS + 1
        and text[0] == "+"
        and text[1] != "0"
        and text.isascii()
        and text[1:].isdecimal()
    )


def from_carrier(user: str) -> str | None:
    """The +E.164 number that a carrier means by the user part of a Request-URI, or None.

    Carriers write `+15550100`, `15550100` or `0015550100`, with visual separators (RFC 3966 section 5.1.1) and with
    parameters behind `;` (`npdi`, `rn`: RFC 4694). National forms cannot be told apart from international ones.
    """
    number = user.partition(";")[0].translate(_SEPARATORS)
    if number.startswith("00"):
        number = "+" + number[2:]
    elif not number.startswith("+"):
        number = "+" + number
    return number if is_e164(number) else None


def suggestion(user: str) -> str | None:
    """What the sender may have meant by a number that is not +E.164, for the text of an alert; None when it cannot be
    guessed.

    Only what is certain: separators removed, `00` and `011` (North America's way out) replaced by `+`, a missing plus
    put before what is too long for a national number.
    """
    number = user.partition(";")[0].translate(_SEPARATORS)
    if number.startswith("+"):
        guess = number
    elif number.startswith("011"):
        guess = "+" + number[3:]
    elif number.startswith("00"):
        guess = "+" + number[2:]
    elif len(number) > 10:
        guess = "+" + number
    else:
        return None
    return guess if guess != user and is_e164(guess) else None
