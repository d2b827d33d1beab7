"""Kamailio's entries for topology hiding (hiding.cfg): what `Hiding` makes of a message, and the record's event of it.

Runs inside Kamailio: standard library and core only. Each entry is asked once for a message, since a question costs as
much as what it is about. -1: there is nothing to go by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from trunkline.core.cause import Cause
from trunkline.engines.kamailio import events
from trunkline.engines.kamailio.hiding import Hiding, InDialog
from trunkline.engines.kamailio.ksr import NOTHING

_REASON = "$_s($(hdr(Reason){s.encode.hexa}))"
Answer = TypeVar("Answer")


class HiddenCalls:
    def __init__(
        self,
        ksr: Any,
        hiding: Hiding,
        tell: Callable[[Callable[..., str], str], int],
        on_bye: Callable[[object, str], int],
        log_bug: Callable[[], None],
    ) -> None:
        """`tell` writes an event of these words; `on_bye` takes a call that a BYE has ended."""
        self._ksr, self._hiding = ksr, hiding
        self._tell, self._on_bye, self._log_bug = tell, on_bye, log_bug

    def on_reply(self, _message: object, facts: str) -> int:
        """A reply to the INVITE of an attempt, 101 to 299.

        `facts`: `ringing` or `answered` where it is the first of these, the token, the attempt, the status, the SDP in
        hexadecimal, the caller's sealed leg and both tags.
        """
        event, token, n, code, sdp, callers_leg, from_tag, to_tag = facts.split(" ", 7)
        leg = self._hide(self._hiding.reply_to_invite, token, event) or ""
        if sdp != NOTHING:
            self._hide(self._hiding.sdp)
        if event == "ringing":
            return self._tell(events.ringing, f"{token} {n} {code}")
        if event == "answered":
            return self._tell(events.answered, f"{token} {n} {code} {sdp} {callers_leg} {leg} {from_tag} {to_tag}")
        return 1

    def hide_reply(self, _message: object) -> int:
        return 1 if self._hide(self._hiding.reply) else -1

    def hide_in_dialog(self, _message: object) -> int:
        found = self._hide(self._hiding.in_dialog)
        if found is None:
            return -1
        if found.method == "BYE":
            self._bye(found)
        return 1

    def hide_sdp(self, _message: object) -> int:
        return 1 if self._hide(self._hiding.sdp) else -1

    def _bye(self, bye: InDialog) -> None:
        try:
            # The callee gives up after 64 * T1 without an ACK (RFC 3261 section 13.3.1.4).
            if bye.by == "callee" and self._ksr.htable.sht_get("noack", bye.token[:32]) not in (None, "-"):
                self._tell(events.ended, f"{bye.token} {Cause.NO_ACK.name}")
            self._on_bye(None, f"{bye.token} {bye.by} {self._ksr.pv.get(_REASON)}")
        except Exception:  # noqa: BLE001  a record that is not written must not keep the BYE from the other side
            self._log_bug()

    def _hide(self, step: Callable[..., Answer], *facts: str) -> Answer | None:
        try:
            return step(*facts)
        except (ValueError, SystemError) as problem:  # bytes that are no text, a NUL, our separator in a header
            self._ksr.log("info", f"script: nothing to go by: {type(problem).__name__}\n")
        except Exception:  # noqa: BLE001  kamailio.cfg refuses what nothing is known of
            self._log_bug()
        return None
