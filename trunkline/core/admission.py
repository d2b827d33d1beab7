"""Who is calling on termination, and may they? One readable order:

    1. which trunk          the host of the Request-URI, else the global endpoint's rule          403 32200
    2. address              the trunk's IP access control lists, where it has any                 403 32201
    3. credentials          the trunk's credential lists, where it has any: 407, then             403 32202
    4. account              active, with funds, below its spending cap                            403 10001
    5. secure               TLS and SRTP as the trunk says                                        488 32209 32208 32207
    6. called number        emergency and short codes; the trunk's number rules; +E.164           403 32205, 400 32101
    7. caller ID            a number or verified caller ID of the account                         403 32206 32204
    8. destination          open for the account                                                  403 32205
    9. how many             calls per second and at a time (`route`, once the call could go out)  503 32001 32012 10004

Up to and including step 3 the sender is a stranger, and an answer says only what the sender itself sent. Labels that
do not exist and trunks without any authentication answer alike; the account is judged after the credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from trunkline.core import destination, digest, e164, networks
from trunkline.core.caller_id import present
from trunkline.core.cause import Cause
from trunkline.core.decision import Alert, Challenge, MayRegister, Reject
from trunkline.core.digest import Authorization, DigestError, Outcome
from trunkline.core.number_rules import apply_number_rules
from trunkline.core.policy import Policy
from trunkline.core.record import record
from trunkline.core.refusal import Case
from trunkline.core.routing_data import AccountRow, CredentialRow, RoutingData, TrunkRow
from trunkline.core.trunk_host import HostKind, valid_hosts

FirstUse = Callable[[str], bool]
"""Marks a nonce key as used, atomically over all workers; True the first time. Keys may be forgotten after the
nonce's lifetime.
"""


@record
class Admitted:
    """The call may go out."""

    trunk: TrunkRow
    caller: str
    called: str
    """+E.164, or an emergency number as it is dialled."""
    replace_caller_id: str | None
    alerts: tuple[Alert, ...]
    emergency: bool = False


class Admission:
    """The judgement of one INVITE; made, asked once (`judge`) and thrown away."""

    __slots__ = ("case", "dice", "first_use", "invite", "now", "policy", "routing")

    def __init__(
        self, case: Case, routing: RoutingData, policy: Policy, now: float, dice: Random, first_use: FirstUse
    ) -> None:
        """`now`: Unix seconds."""
        self.case, self.invite = case, case.invite
        self.routing, self.policy = routing, policy
        self.now, self.dice, self.first_use = now, dice, first_use

    def judge(self) -> Admitted | Challenge | Reject:
        trunk = self._trunk()
        if not isinstance(trunk, TrunkRow):
            return trunk
        self.case.concerns(trunk)
        refused = self._authenticate(trunk)
        if refused is not None:
            return refused
        account = self.routing.account(trunk.account_sid)
        refused = self._judge_account(account, trunk) or self._judge_security(trunk)
        if refused is not None:
            return refused
        return self._judge_numbers(trunk)

    def judge_register(self) -> MayRegister | Challenge | Reject:
        """A REGISTER: steps 1 to 5, with one refusal for every trunk that takes none, whether it exists or not."""
        kind, label = self.case.trunk_host
        trunk: TrunkRow | Challenge | Reject | None = None
        if kind is HostKind.LABEL:
            trunk = self.routing.trunk_by_label(label)
        elif kind is HostKind.GLOBAL and self.routing.takes_registrations():
            trunk = self._trunk_at_global_endpoint()
        if isinstance(trunk, (Challenge, Reject)):
            return trunk
        if trunk is not None:
            self.case.concerns(trunk)
        if trunk is None or not trunk.registration or not self._asks_who(trunk):
            return self.case.refuse(Cause.REGISTER_REFUSED)
        refused = self._authenticate(trunk) or self._judge_account(self.routing.account(trunk.account_sid), trunk)
        if refused is None and trunk.secure and self.invite.transport != "tls":
            refused = self.case.refuse(Cause.TLS_REQUIRED, 403)
        return refused or MayRegister(trunk.account_sid, trunk.sid)

    def _asks_who(self, trunk: TrunkRow) -> bool:
        return self.routing.has_acls(trunk.sid) or self.routing.has_credential_lists(trunk.sid)

    # 1. Which trunk

    def _trunk(self) -> TrunkRow | Challenge | Reject:
        kind, label = self.case.trunk_host
        if kind is HostKind.GLOBAL:
            return self._trunk_at_global_endpoint()
        trunk = self.routing.trunk_by_label(label) if kind is HostKind.LABEL else None
        return trunk or self.case.refuse(Cause.UNKNOWN_TRUNK, suffix=self.policy.domain_suffixes[0])

    def _trunk_at_global_endpoint(self) -> TrunkRow | Challenge | Reject:
        """The trunk whose IP ACL alone lets the source in, else the one to which the digest user name belongs."""
        by_source = self.routing.trunks_by_source(self.invite.source_ip)
        alone = [sid for sid in by_source if not self.routing.has_credential_lists(sid)]
        if len(alone) == 1:
            trunk = self.routing.trunk(alone[0])
            if trunk is not None:
                return trunk
        auth = self._credentials()
        if auth is None and len(alone) > 1:
            # These trunks take this address without a question: nothing that the sender could answer tells them apart.
            return self._ambiguous(alone, None)
        if auth is None:
            return self._challenge(digest.MD5)
        return auth if isinstance(auth, Reject) else self._trunk_by_username(auth, by_source)

    def _trunk_by_username(self, auth: Authorization, by_source: Sequence[str]) -> TrunkRow | Challenge | Reject:
        # The form of the answer is judged again with the trunk's own rules in _authenticate.
        candidates = self.routing.trunks_by_username(auth.username)
        fitting = [sid for sid, row in candidates if self._password_fits(auth, row)]
        if not candidates:
            self._password_fits(auth, None)
        if not fitting:
            owner = self._one_account([sid for sid, _ in candidates])
            if owner is not None:
                self.case.account_sid = owner.account_sid
                self.case.trunk_sid = owner.sid if len(candidates) == 1 else None
            detail = Outcome.WRONG_RESPONSE if candidates else Outcome.UNKNOWN_USER
            return self.case.refuse(Cause.BAD_CREDENTIALS, username=auth.username, detail=detail.value)
        if len(fitting) > 1:
            fitting = [sid for sid in fitting if sid in by_source] or fitting
        trunk = self.routing.trunk(fitting[0]) if len(fitting) == 1 else None
        return trunk if trunk is not None else self._ambiguous(fitting, auth.username)

    def _one_account(self, trunk_sids: list[str]) -> TrunkRow | None:
        """A trunk of the one account that has them all; None when there is not exactly one account."""
        trunks = [trunk for trunk in map(self.routing.trunk, trunk_sids) if trunk is not None]
        return trunks[0] if len({trunk.account_sid for trunk in trunks}) == 1 else None

    def _ambiguous(self, trunk_sids: list[str], username: str | None) -> Reject:
        owner = self._one_account(trunk_sids)
        labels: list[str] = []
        if owner is not None:
            self.case.account_sid = owner.account_sid
            trunks = [trunk for trunk in map(self.routing.trunk, trunk_sids) if trunk is not None]
            labels = [trunk.label for trunk in trunks if trunk.label]
        return self.case.refuse(
            Cause.GLOBAL_ENDPOINT_AMBIGUOUS, username=username or "(none)", hosts=valid_hosts(labels, self.policy)
        )

    # 2 and 3. Address and credentials

    def _authenticate(self, trunk: TrunkRow) -> Challenge | Reject | None:
        """None: the sender has passed all that is attached. With both attached, the address comes first (rulings)."""
        by_address = self.routing.has_acls(trunk.sid)
        by_credentials = self.routing.has_credential_lists(trunk.sid)
        if not by_address and not by_credentials:
            return self.case.refuse(Cause.NO_AUTHENTICATION)
        if by_address and not networks.contains_any(self.routing.trunk_networks(trunk.sid), self.invite.source_ip):
            return self.case.refuse(Cause.SOURCE_NOT_IN_ACL)
        return self._check_credentials(trunk) if by_credentials else None

    def _check_credentials(self, trunk: TrunkRow) -> Challenge | Reject | None:
        wanted = trunk.digest_algorithm
        auth = self._credentials()
        if auth is None:
            return self._challenge(wanted, repeatable=self.invite.authorization is None)
        if isinstance(auth, Reject):
            return auth
        policy = self.policy
        state, asked = digest.nonce_state(auth.nonce, policy.nonce_secret, self.now, policy.nonce_lifetime)
        if state is Outcome.FOREIGN_NONCE:
            asked = auth.algorithm  # what it asked for is unknown
        row = self.routing.credential(trunk.sid, auth.username)
        outcome = digest.check_form(auth, self.invite.ruri, self.case.uri.user, policy.realm, asked)
        if outcome is Outcome.OK and not self._password_fits(auth, row):
            outcome = Outcome.WRONG_RESPONSE if row is not None else Outcome.UNKNOWN_USER
        if outcome is not Outcome.OK:
            return self.case.refuse(
                Cause.BAD_CREDENTIALS, username=auth.username, detail=self._detail(outcome, auth, trunk)
            )
        # The password is right. What is left is the nonce, and a new one is all that the sender needs (RFC 7616 section
        # 3.3).
        if state is not Outcome.OK or not self.first_use(auth.use_key):
            return self._challenge(wanted, stale=True)
        if wanted == digest.SHA256 and auth.algorithm != wanted:
            return self._challenge(wanted)  # asked by MD5 at the global endpoint, before the trunk was known
        return None

    def _password_fits(self, auth: Authorization, row: CredentialRow | None) -> bool:
        if row is None:
            # As much work as for a user that exists, so that the time of the answer does not tell.
            digest.response_matches(auth, self.invite.method, digest.NO_HA1, digest.NO_HA1)
            return False
        return digest.response_matches(auth, self.invite.method, row.ha1_md5, row.ha1_sha256)

    def _detail(self, outcome: Outcome, auth: Authorization, trunk: TrunkRow) -> str:
        """What the account's alert says about a failed answer; of other accounts' users it says nothing."""
        if outcome is Outcome.WRONG_REALM:
            return f'the PBX answered for realm "{auth.realm}", the challenge said "{self.policy.realm}"'
        if outcome is Outcome.UNKNOWN_USER:
            others = [self.routing.trunk(sid) for sid, _ in self.routing.trunks_by_username(auth.username)]
            if any(other is not None and other.account_sid == trunk.account_sid for other in others):
                return "the user name is in a credential list that is not attached to this trunk"
        return str(outcome.value)

    def _credentials(self) -> Authorization | Reject | None:
        """What the sender says to our challenge. None: nothing, or words for another server (RFC 3261 22.3)."""
        if self.invite.authorization is None:
            return None
        try:
            auth = digest.parse_authorization(self.invite.authorization)
        except DigestError as error:
            return self.case.refuse(Cause.MALFORMED_REQUEST, detail=error)
        return auth if auth.realm == self.policy.realm or digest.is_ours(auth.nonce, self.policy.nonce_secret) else None

    def _challenge(self, algorithm: str, *, stale: bool = False, repeatable: bool = False) -> Challenge:
        if algorithm != digest.SHA256:
            algorithm = digest.MD5
        nonce = digest.make_nonce(self.policy.nonce_secret, self.now, self.dice.getrandbits(64), algorithm)
        value = digest.challenge_value(self.policy.realm, nonce, algorithm, stale=stale)
        if self.invite.method == "REGISTER":
            return Challenge(401, "Unauthorized", (("WWW-Authenticate", value),), stale)
        return Challenge(
            407,
            "Proxy Authentication Required",
            (("Proxy-Authenticate", value),),
            stale,
            repeatable and self.case.trunk_host.kind is HostKind.LABEL,
        )

    # 4 and 5. Account and security

    def _judge_account(self, account: AccountRow | None, trunk: TrunkRow) -> Reject | None:
        status = self.policy.no_funds_status
        if account is None or account.status != "active":
            return self.case.refuse(Cause.ACCOUNT_INACTIVE, status, status=account.status if account else "closed")
        if not account.funds:
            return self.case.refuse(Cause.NO_FUNDS, status)
        if account.spend_ok or (trunk.emergency and destination.is_emergency(self.case.uri.user)):
            return None
        return self.case.refuse(Cause.SPENDING_CAP, status)

    def _judge_security(self, trunk: TrunkRow) -> Reject | None:
        invite = self.invite
        if not trunk.secure:
            return self.case.refuse(Cause.SRTP_NOT_ALLOWED) if invite.offers_srtp else None
        if invite.transport != "tls":
            return self.case.refuse(Cause.TLS_REQUIRED)
        # A late offer shows its SDP in the ACK only, as an answer to ours, which says RTP/SAVP.
        if invite.has_sdp and not invite.offers_srtp:
            return self.case.refuse(Cause.SRTP_REQUIRED, detail="the offer has no RTP/SAVP")
        if not invite.offers_srtp_key:
            # Answered, it would be a call without keys, and nothing to hear (RFC 4568 section 5.1.2).
            return self.case.refuse(Cause.SRTP_REQUIRED, detail=_NO_KEY)
        return None

    # 6 to 8. Numbers

    def _judge_numbers(self, trunk: TrunkRow) -> Admitted | Reject:
        dialled = called = self.case.uri.user
        if len(dialled) <= _NOT_E164 or trunk.number_rules != "[]":
            # An emergency number is one before any rule: a rule for extensions must not take it away.
            if not destination.is_emergency(dialled):
                called = self.case.called = apply_number_rules(trunk.number_rules, dialled)
            if destination.is_emergency(called):
                return self._emergency(trunk, called.removeprefix("+"))
            if destination.is_short_code(called):
                return self.case.refuse(Cause.SHORT_CODE)
        if not e164.is_e164(called):
            guess = e164.suggestion(called)
            return self.case.refuse(Cause.NUMBER_NOT_E164, suggestion=f" Did you mean {guess}?" if guess else "")
        presented = present(self.invite, trunk, self.routing, self.case)
        if isinstance(presented, Reject):
            return presented
        where = destination.destination(called)
        if not destination.is_open(where, called, self.routing.destination_rules(trunk.account_sid)):
            kind = _KIND_IN_WORDS[where.kind]
            return self.case.refuse(Cause.DESTINATION_CLOSED, where=where.name, kind=kind)
        return Admitted(trunk, presented.caller, called, presented.replacement, presented.alerts)

    def _emergency(self, trunk: TrunkRow, called: str) -> Admitted | Reject:
        if not trunk.emergency:
            return self.case.refuse(Cause.EMERGENCY_NOT_ENABLED)
        presented = present(self.invite, trunk, self.routing, self.case)
        if isinstance(presented, Reject):
            return presented
        return Admitted(trunk, presented.caller, called, presented.replacement, presented.alerts, True)


_NO_KEY = "no a=crypto line of the offer has AES_CM_128_HMAC_SHA1_80 or _32"
_NOT_E164 = e164.MIN_DIGITS
"""A dialled text of so many characters or fewer is no +E.164 number."""
_KIND_IN_WORDS = {"low": "closed by the account", "special": "premium rate", "tollfraud": "a range known for fraud"}
