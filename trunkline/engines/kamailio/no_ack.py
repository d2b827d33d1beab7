"""BYEs of the edge's own from inside Kamailio: standard library and core only. A Call-ID stands last among
facts, with no more than a tag behind it, since nobody keeps its sender from putting blanks into it.

- An answered call whose ACK never came is ended on both sides (RFC 3261 section 13.3.1.4: after 64 * T1, 32 s). Most
  callees give up by themselves then, and their BYE says so; this is for those that do not.
- A BYE that the other side has refused (an extension that it does not know, a CSeq that is too low) has ended the call
  for its sender and in our record, and for the other side it would go on, and cost money: it gets one of ours.
"""

from __future__ import annotations

import os
import socket

from trunkline.core.edge_bye import bye, byes


def end_unacknowledged(edge: tuple[str, int], facts: str) -> None:
    """A BYE to each side, to ourselves as `edge`: nobody waits for the answers.

    `facts`: the words of the table `noack` of kamailio.cfg. Raises OSError, ValueError.
    """
    token, caller_leg, callee_leg, callee_tag, of_caller = facts.split(" ", 4)
    call_id, _, caller_tag = of_caller.rpartition(" ")
    with socket.socket(socket.AF_INET6 if ":" in edge[0] else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((edge[0], 0))
        branches = (os.urandom(8).hex(), os.urandom(8).hex())
        dialog = (caller_leg, callee_leg, caller_tag, callee_tag)
        for message in byes(edge, client.getsockname()[1], branches, f"CA{token[:32]}", call_id, dialog):
            client.sendto(message, edge)


def end_where_refused(edge: tuple[str, int], facts: str) -> None:
    """A BYE that cannot be refused, instead of one that was.

    `facts`: the sealed leg of the side that has refused, and the refused BYE's From tag, To tag and Call-ID. Raises
    OSError, ValueError.
    """
    leg, from_tag, to_tag, call_id = facts.split(" ", 3)
    with socket.socket(socket.AF_INET6 if ":" in edge[0] else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((edge[0], 0))
        port = client.getsockname()[1]
        client.sendto(bye(edge, port, os.urandom(8).hex(), leg, call_id, from_tag, to_tag), edge)
