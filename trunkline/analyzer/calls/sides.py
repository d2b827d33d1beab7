"""Who of a hop's two sides sent a message."""

from __future__ import annotations

from typing import Literal

from trunkline.analyzer.model.call import Dialog
from trunkline.analyzer.model.message import Message

Side = Literal["caller", "callee", ""]
OTHER: dict[Side, Side] = {"caller": "callee", "callee": "caller", "": ""}


def side_of(dialog: Dialog, message: Message) -> Side:
    """By address, where both sides have one of their own; else by tags: a client may take a new From tag each time."""
    src, caller, callee = message.src, dialog.caller, dialog.callee
    if src is not None and caller is not None and callee is not None and caller.ip != callee.ip:
        if src.ip == caller.ip:
            return "caller"
        if src.ip == callee.ip:
            return "callee"
    tag = dialog.from_tag
    if tag and tag in (message.from_tag, message.to_tag):
        return "caller" if (message.from_tag == tag) == message.is_request else "callee"
    if src is not None and caller is not None and src != callee:
        return "caller" if src == caller else "callee"
    return "caller" if message.is_request else "callee"
