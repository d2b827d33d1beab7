"""An answered call whose ACK never came, ended on both sides (RFC 3261 section 13.3.1.4: after 64 * T1, 32 s).

Most callees give up by themselves then, and their BYE says so; this is for those that do not. Runs inside Kamailio, in
the process that clears its tables: standard library and core only.
"""

from __future__ import annotations

import os
import socket

from trunkline.core.edge_bye import byes


def end_unacknowledged(edge: tuple[str, int], facts: str) -> None:
    """A BYE to each side, to ourselves as `edge`: nobody waits for the answers.

    `facts`: the words of the table `noack` of kamailio.cfg. Raises OSError, ValueError.
    """
    token, caller_leg, callee_leg, caller_tag, callee_tag, call_id = facts.split(" ")
    with socket.socket(socket.AF_INET6 if ":" in edge[0] else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((edge[0], 0))
        branches = (os.urandom(8).hex(), os.urandom(8).hex())
        dialog = (caller_leg, callee_leg, caller_tag, callee_tag)
        for message in byes(edge, client.getsockname()[1], branches, f"CA{token[:32]}", call_id, dialog):
            client.sendto(message, edge)
