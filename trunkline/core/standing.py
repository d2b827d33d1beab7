"""A sender who was let in before: what admission found out about it holds until the routing data change.

Most calls come from a few PBXs that say the same in every INVITE but for the number they call and their answer to the
challenge. `again` judges what changes from call to call, by the same functions as `admission`, and takes the rest from
`Standing`. It only ever lets in: whatever is not as it was is judged from the beginning (`route.decide`), so every
refusal and its reason come from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from trunkline.core import destination, digest, e164
from trunkline.core.call_limits import CallLimits
from trunkline.core.carrier_format import Caller
from trunkline.core.decision import TERMINATION, Relay, Target
from trunkline.core.digest import DigestError, Outcome
from trunkline.core.invite import Invite
from trunkline.core.policy import Policy
from trunkline.core.routing_data import CredentialRow, RoutingData, TrunkRow
from trunkline.core.termination import Place, carrier_targets, only_place, usual_target

_OK = Outcome.OK
MOST = 4096
"""Senders that one worker remembers."""


class Standing(NamedTuple):
    first: Relay
    """The call that was let in: all of another one's but the number and what follows from it."""
    credential: CredentialRow | None
    """None: the trunk asks for the address alone."""
    sha256_only: bool
    """The trunk takes no answer by MD5."""
    caller: Caller
    rules: Mapping[str, bool]
    """The account's own rules of where it may call (`destination`)."""
    limits: CallLimits
    only: Place | None
    """As `termination.only_place` says."""


def _sender(invite: Invite, host: str, username: str) -> tuple[object, ...]:
    """All that admission reads, but for the called number and the answer to the challenge. `host`: all of the
    Request-URI behind its `@`.
    """
    return (
        host,
        username,
        invite.source_ip,
        invite.from_header_uri,
        invite.transport,
        invite.p_asserted_identity,
        invite.remote_party_id,
        invite.has_sdp,
        invite.offers_srtp,
        invite.offers_srtp_key,
    )


def remember(
    invite: Invite, routing: RoutingData, trunk: TrunkRow, caller: Caller, relay: Relay, limits: CallLimits
) -> None:
    """This sender was let in, by the name of its trunk, with its own caller ID, and by no number rule."""
    if trunk.number_rules != "[]":
        return
    username, credential = "", None
    if invite.authorization is not None:
        try:
            username = digest.parse_authorization(invite.authorization).username
        except DigestError:  # the address was enough
            return
    if routing.has_credential_lists(trunk.sid):
        credential = routing.credential(trunk.sid, username)
        if credential is None:
            return
    known = routing.standings
    if len(known) >= MOST:
        known.clear()
    host = invite.ruri.rpartition("@")[2]
    rules = routing.destination_rules(trunk.account_sid)
    known[_sender(invite, host, username)] = Standing(
        relay, credential, trunk.digest_algorithm == digest.SHA256, caller, rules, limits, only_place(routing)
    )


def again(
    invite: Invite,
    routing: RoutingData,
    policy: Policy,
    now: float,
    dice: Random,
    first_use: Callable[[str], bool],
) -> tuple[Relay, CallLimits] | None:
    """The call of a sender who has a `Standing`; None: judge it from the beginning. `now`: Unix seconds."""
    ruri = invite.ruri
    before, _, host = ruri.rpartition("@")
    called = before[4:]
    auth = None
    if invite.authorization is not None:
        try:
            auth = digest.parse_authorization(invite.authorization)
        except DigestError:
            return None
    standing = routing.standings.get(_sender(invite, host, "" if auth is None else auth.username))
    if standing is None or not before.startswith("sip:") or not e164.is_e164(called):
        return None
    first, credential, sha256_only, caller, rules, limits, only = standing
    if not destination.is_open(destination.destination(called), called, rules):
        return None
    if credential is not None:
        if auth is None:
            return None
        state, asked = digest.nonce_state(auth.nonce, policy.nonce_secret, now, policy.nonce_lifetime)
        if (
            state is not _OK
            or digest.check_form(auth, ruri, called, policy.realm, asked) is not _OK
            or (sha256_only and auth.algorithm != digest.SHA256)
            or not digest.response_matches(auth, invite.method, credential.ha1_md5, credential.ha1_sha256)
        ):
            return None
    if only is not None:
        targets: tuple[Target, ...] = (usual_target(only, called, policy),)
    else:
        targets = carrier_targets(called, routing, policy, dice, caller)
    # The use is counted last: what is judged from the beginning counts it there.
    if not targets or (auth is not None and credential is not None and not first_use(auth.use_key)):
        return None
    relay = Relay(
        TERMINATION,
        first.account_sid,
        first.trunk_sid,
        first.caller,
        called,
        targets,
        first.media_mode,
        longest=first.longest,
    )
    return relay, limits
