"""The Reason header (RFC 3326): why a request or a failure happened, in the PSTN's words."""

from __future__ import annotations


def q850_cause(value: str | None) -> int | None:
    """The ITU-T Q.850 cause, 1 to 127, of `Q.850;cause=16;text="…"`; None where there is none.

    Several reasons may stand in one header, separated by commas (RFC 3326 section 2); text in quotes is not looked
    into.
    """
    for part in (value or "").split(","):
        protocol, *parameters = part.split(";")
        if protocol.strip().upper() != "Q.850":
            continue
        for parameter in parameters:
            name, _, number = parameter.partition("=")
            if name.strip().lower() == "cause" and number.strip().isascii() and number.strip().isdigit():
                cause = int(number)
                return cause if 1 <= cause <= 127 else None
    return None
