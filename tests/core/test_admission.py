"""Who may call by which trunk: one table per step of core/admission.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from example_world import (
    ACCOUNT,
    CALLED,
    OTHER,
    PBX,
    POLICY,
    POOR,
    STRANGER,
    SUSPENDED,
    Edge,
    answer_to,
    challenge_params,
    credential,
    invite,
    sid,
)

from trunkline.core.cause import Cause
from trunkline.core.decision import Challenge, Reject, Relay

PASSWORD = "Secret-12345"


def refused(decision, cause):
    assert isinstance(decision, Reject), decision
    assert decision.cause is cause
    return decision


def relayed(decision, trunk_name):
    assert isinstance(decision, Relay), decision
    assert decision.trunk_sid == sid("TK", trunk_name)
    return decision


class TestWhichTrunk:
    def test_unknown_label(self):
        answer = refused(Edge().decide(invite("nobody")), Cause.UNKNOWN_TRUNK)
        assert (answer.sip_status, answer.account_sid) == (403, None)
        assert answer.headers == (
            (
                "X-Twilio-Error",
                f"32200 Insufficient permissions: no trunk takes calls for nobody.pstn.twilio.com from {PBX}",
            ),
        )

    def test_a_trunk_without_authentication_answers_like_none(self):
        unknown = refused(Edge().decide(invite("nobody")), Cause.UNKNOWN_TRUNK)
        bare = refused(Edge().decide(invite("none")), Cause.NO_AUTHENTICATION)
        assert bare.text == unknown.text.replace("nobody", "none")
        assert (bare.sip_status, bare.reason) == (unknown.sip_status, unknown.reason)
        assert bare.account_sid == ACCOUNT, "the account's own alert says what to do"
        assert "Attach one" in bare.explanation

    def test_foreign_host(self):
        refused(Edge().decide(invite(ruri=f"sip:{CALLED}@elsewhere.test")), Cause.UNKNOWN_TRUNK)

    @pytest.mark.parametrize(
        "host",
        ["acl.pstn.twilio.com", "ACL.ashburn.pstn.twilio.com:5060", "acl.pstn.dublin.twilio.com", "acl.trunk.test."],
    )
    def test_all_ways_to_write_the_host(self, host):
        relayed(Edge().decide(invite(ruri=f"sip:{CALLED}@{host};transport=udp")), "acl")


class TestGlobalEndpoint:
    """`pstn.twilio.com` and the edge's own addresses."""

    def request(self, host="203.0.113.5:5060", **facts):
        return invite(ruri=f"sip:{CALLED}@{host}", **facts)

    @pytest.mark.parametrize("host", ["pstn.twilio.com", "203.0.113.5", "edge.test:5060", "pstn.ashburn.twilio.com"])
    def test_the_address_alone(self, host):
        relayed(Edge().decide(self.request(host)), "acl")

    def test_tel_uris_have_no_host(self):
        relayed(Edge().decide(invite(ruri=f"tel:{CALLED}")), "acl")

    def test_the_digest_user(self):
        relayed(Edge().call(self.request(source_ip=STRANGER), "alice"), "creds")

    def test_the_user_of_a_trunk_with_both_from_its_address(self):
        edge = Edge()
        del edge.routing.trunk_acls[sid("TK", "acl")]
        relayed(edge.call(self.request(), "bob"), "both")
        refused(edge.call(self.request(source_ip=STRANGER), "bob"), Cause.SOURCE_NOT_IN_ACL)

    def test_an_address_in_the_lists_of_two_trunks(self):
        edge = Edge()
        edge.routing.trunk_acls[sid("TK", "none")] = [sid("AL", "office")]
        answer = refused(edge.decide(self.request()), Cause.GLOBAL_ENDPOINT_AMBIGUOUS)
        assert answer.sip_status == 403
        assert answer.headers[0][1].startswith("32200 ")
        assert "acl.pstn" not in answer.text, "a stranger is not told the labels"
        assert "acl.pstn.twilio.com, none.pstn.twilio.com" in answer.explanation
        assert answer.account_sid == ACCOUNT

    def test_two_trunks_of_two_accounts_name_nobody(self):
        edge = Edge()
        del edge.routing.trunk_lists[sid("TK", "theirs")]
        edge.routing.trunk_acls[sid("TK", "theirs")] = [sid("AL", "office")]
        answer = refused(edge.decide(self.request()), Cause.GLOBAL_ENDPOINT_AMBIGUOUS)
        assert answer.account_sid is None
        assert "theirs" not in answer.explanation

    def test_two_trunks_by_address_and_credentials_for_a_third(self):
        edge = Edge()
        edge.routing.trunk_acls[sid("TK", "none")] = [sid("AL", "office")]
        stranger = self.request(source_ip=STRANGER)
        challenge = edge.decide(stranger)
        request = self.request()
        answered = replace(request, authorization=answer_to(challenge, request, "alice", PASSWORD))
        relayed(edge.decide(answered), "creds")

    def test_a_list_on_two_trunks_is_ambiguous(self):
        edge = Edge()
        edge.routing.trunk_lists[sid("TK", "none")] = [sid("CL", "main")]
        answer = refused(edge.call(self.request(source_ip=STRANGER), "alice"), Cause.GLOBAL_ENDPOINT_AMBIGUOUS)
        assert "creds.pstn.twilio.com" in answer.explanation

    def test_the_address_decides_between_two_trunks_with_the_same_list(self):
        edge = Edge()
        del edge.routing.trunk_acls[sid("TK", "acl")]
        edge.routing.trunk_lists[sid("TK", "both")] = [sid("CL", "main")]
        relayed(edge.call(self.request(), "alice"), "both")

    def test_the_same_user_name_at_another_account_changes_nothing(self):
        edge = Edge()
        edge.routing.credentials[sid("CL", "theirs")].append(credential("x", "theirs", "alice", "Other-99999"))
        relayed(edge.call(self.request(source_ip=STRANGER), "alice"), "creds")
        theirs = edge.call(self.request(source_ip=STRANGER), "alice", "Other-99999")
        assert theirs.account_sid == OTHER, "the password says which of the two it is"

    @pytest.mark.parametrize(
        ("username", "password", "account", "trunk_name"),
        [("alice", "wrong", ACCOUNT, "creds"), ("theo", "wrong", OTHER, "theirs"), ("nobody", "x", None, None)],
    )
    def test_wrong_credentials_answer_alike(self, username, password, account, trunk_name):
        answer = refused(Edge().call(self.request(source_ip=STRANGER), username, password), Cause.BAD_CREDENTIALS)
        assert answer.text == f"Authentication failure - bad user credentials: user name {username}"
        assert answer.account_sid == account
        assert answer.trunk_sid == (sid("TK", trunk_name) if trunk_name else None)

    def test_a_trunk_that_requires_sha256_asks_again(self):
        edge = Edge()
        request = self.request(source_ip=STRANGER)
        first = edge.decide(request)
        assert "algorithm" not in challenge_params(first)
        second = edge.decide(replace(request, authorization=answer_to(first, request, "shauser", PASSWORD)))
        assert isinstance(second, Challenge)
        assert challenge_params(second)["algorithm"] == "SHA-256"
        relayed(edge.decide(replace(request, authorization=answer_to(second, request, "shauser", PASSWORD))), "sha")


class TestAddressAndCredentials:
    """The four combinations of the rulings, and what a stranger hears."""

    def test_neither(self):
        refused(Edge().decide(invite("none")), Cause.NO_AUTHENTICATION)

    def test_address_only(self):
        relayed(Edge().decide(invite("acl")), "acl")
        relayed(Edge().decide(invite("acl", source_ip="2001:db8::7")), "acl")
        answer = refused(Edge().decide(invite("acl", source_ip=STRANGER)), Cause.SOURCE_NOT_IN_ACL)
        assert answer.headers == (
            ("X-Twilio-Error", f"32201 Authentication failure - source IP Address not in ACL: {STRANGER}"),
        )

    def test_credentials_only(self):
        first = Edge().decide(invite("creds", source_ip=STRANGER))
        assert isinstance(first, Challenge)
        assert (first.status, first.headers[0][0]) == (407, "Proxy-Authenticate")
        assert first.headers[0][1].startswith('Digest realm="sip.twilio.com",qop="auth",nonce="')
        relayed(Edge().call(invite("creds", source_ip=STRANGER), "alice"), "creds")

    def test_both_address_first(self):
        refused(Edge().decide(invite("both", source_ip=STRANGER)), Cause.SOURCE_NOT_IN_ACL)
        relayed(Edge().call(invite("both"), "bob"), "both")
        refused(Edge().call(invite("both"), "bob", "wrong"), Cause.BAD_CREDENTIALS)

    def test_an_empty_list_still_counts(self):
        edge = Edge()
        edge.routing.acls[sid("AL", "office")] = []
        refused(edge.decide(invite("acl")), Cause.SOURCE_NOT_IN_ACL)


class TestCredentials:
    @pytest.mark.parametrize(
        ("username", "password", "in_alert"),
        [
            ("alice", "wrong", "the password is wrong"),
            ("nobody", PASSWORD, "there is no such user name on this trunk"),
            ("bob", PASSWORD, "a credential list that is not attached to this trunk"),
            ("theo", PASSWORD, "there is no such user name on this trunk"),
        ],
    )
    def test_refused_alike_and_explained_apart(self, username, password, in_alert):
        answer = refused(Edge().call(invite("creds"), username, password), Cause.BAD_CREDENTIALS)
        assert (answer.sip_status, answer.reason) == (403, "Forbidden")
        assert answer.headers[0][1] == f"32202 Authentication failure - bad user credentials: user name {username}"
        assert in_alert in answer.explanation
        assert "theirs" not in answer.explanation

    def test_a_user_name_of_another_account_is_not_given_away(self):
        answer = refused(Edge().call(invite("creds"), "theo"), Cause.BAD_CREDENTIALS)
        assert answer.account_sid == ACCOUNT

    def test_a_replay_is_challenged_again(self):
        edge = Edge()
        request = invite("creds")
        answered = replace(request, authorization=answer_to(edge.decide(request), request, "alice", PASSWORD))
        relayed(edge.decide(answered), "creds")
        again = edge.decide(answered)
        assert isinstance(again, Challenge)
        assert again.stale
        assert again.headers[0][1].endswith(",stale=true")

    def test_the_next_count_of_a_nonce_is_no_replay(self):
        edge = Edge()
        request = invite("creds")
        challenge = edge.decide(request)
        for nc in ("00000001", "00000002"):
            auth = answer_to(challenge, request, "alice", PASSWORD, nc=nc)
            relayed(edge.decide(replace(request, authorization=auth)), "creds")

    def test_a_wrong_password_uses_nothing_up(self):
        edge = Edge()
        edge.call(invite("creds"), "alice", "wrong")
        assert edge.first_use.keys == set()

    def test_an_old_nonce_is_stale_when_the_password_is_right(self):
        edge = Edge()
        request = invite("creds")
        challenge = edge.decide(request)
        edge.now += POLICY.nonce_lifetime + 1
        again = edge.decide(replace(request, authorization=answer_to(challenge, request, "alice", PASSWORD)))
        assert isinstance(again, Challenge)
        assert again.stale
        wrong = edge.decide(replace(request, authorization=answer_to(challenge, request, "alice", "wrong")))
        refused(wrong, Cause.BAD_CREDENTIALS)

    def test_a_nonce_of_another_edge_is_stale(self):
        request = invite("creds")
        elsewhere = Edge(policy=replace(POLICY, nonce_secret=b"another secret!!")).decide(request)
        again = Edge().decide(replace(request, authorization=answer_to(elsewhere, request, "alice", PASSWORD)))
        assert isinstance(again, Challenge)
        assert again.stale

    def test_credentials_for_another_server_are_not_for_us(self):
        request = invite("creds")
        auth = 'Digest username="x",realm="other",nonce="n",uri="sip:h",response="r"'
        challenge = Edge().decide(replace(request, authorization=auth))
        assert isinstance(challenge, Challenge)
        assert not challenge.stale
        at_global = replace(request, ruri=f"sip:{CALLED}@pstn.twilio.com", source_ip=STRANGER, authorization=auth)
        assert isinstance(Edge().decide(at_global), Challenge)

    def test_our_nonce_with_another_realm_is_a_mistake_and_explained(self):
        answer = refused(Edge().call(invite("creds"), "alice", realm="asterisk"), Cause.BAD_CREDENTIALS)
        assert 'realm "asterisk", the challenge said "sip.twilio.com"' in answer.explanation

    def test_the_digest_of_another_number_is_refused(self):
        answer = refused(
            Edge().call(invite("creds"), "alice", uri="sip:+19995550100@creds.pstn.twilio.com"), Cause.BAD_CREDENTIALS
        )
        assert "another number" in answer.explanation

    def test_without_qop(self):
        edge = Edge()
        request = invite("creds")
        auth = answer_to(edge.decide(request), request, "alice", PASSWORD, qop="")
        relayed(edge.decide(replace(request, authorization=auth)), "creds")
        assert isinstance(edge.decide(replace(request, authorization=auth)), Challenge), "good once"

    def test_sha256(self):
        challenge = Edge().decide(invite("sha"))
        assert challenge_params(challenge)["algorithm"] == "SHA-256"
        relayed(Edge().call(invite("sha"), "shauser"), "sha")
        refused(Edge().call(invite("sha"), "shauser", algorithm="MD5"), Cause.BAD_CREDENTIALS)
        refused(Edge().call(invite("sha"), "shauser", "wrong"), Cause.BAD_CREDENTIALS)
        relayed(Edge().call(invite("creds"), "alice", algorithm="SHA-256"), "creds")

    @pytest.mark.parametrize("auth", ["Basic dTpw", "Digest", "", 'Digest username="a"'])
    def test_what_cannot_be_read_is_400(self, auth):
        answer = refused(Edge().decide(invite("creds", authorization=auth)), Cause.MALFORMED_REQUEST)
        assert answer.sip_status == 400

    def test_nothing_of_the_user_name_can_break_the_header(self):
        answer = refused(Edge().call(invite("creds"), "a\u00e9\x01z" + "x" * 200), Cause.BAD_CREDENTIALS)
        assert answer.headers[0][1].isascii()
        assert answer.headers[0][1].isprintable()
        assert "user name a??z" in answer.text
        assert len(answer.text) < 160


class TestAccount:
    @pytest.mark.parametrize(
        ("name", "username", "cause", "account"),
        [("suspended", "susan", Cause.ACCOUNT_INACTIVE, SUSPENDED), ("poor", "paul", Cause.NO_FUNDS, POOR)],
    )
    @pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (603, "Decline")])
    def test_judged_after_the_credentials(self, name, username, cause, account, status, reason):
        edge = Edge(policy=replace(POLICY, no_funds_status=status))
        assert isinstance(edge.decide(invite(name)), Challenge), "a stranger does not learn it"
        refused(edge.call(invite(name), username, "wrong"), Cause.BAD_CREDENTIALS)
        answer = refused(edge.call(invite(name), username), cause)
        assert (answer.sip_status, answer.reason, answer.account_sid) == (status, reason, account)
        assert answer.headers[0][1].startswith("10001 ")

    def test_an_account_that_is_gone_is_closed(self):
        edge = Edge()
        del edge.routing.accounts[ACCOUNT]
        answer = refused(edge.decide(invite("acl")), Cause.ACCOUNT_INACTIVE)
        assert "closed" in answer.explanation


class TestSecurity:
    @pytest.mark.parametrize(
        ("facts", "cause", "code"),
        [
            ({"transport": "udp", "offers_srtp": True}, Cause.TLS_REQUIRED, 32209),
            ({"transport": "tcp"}, Cause.TLS_REQUIRED, 32209),
            ({"transport": "tls"}, Cause.SRTP_REQUIRED, 32208),
            ({"transport": "tls", "offers_srtp": True, "offers_srtp_key": False}, Cause.SRTP_REQUIRED, 32208),
        ],
    )
    def test_secure_trunk(self, facts, cause, code):
        answer = refused(Edge().call(invite("secure", **facts), "sec"), cause)
        assert answer.sip_status == 488
        assert answer.headers[0][1].startswith(f"{code} ")

    def test_late_offer_on_a_secure_trunk(self):
        relayed(Edge().call(invite("secure", transport="tls", has_sdp=False), "sec"), "secure")

    def test_srtp_on_a_plain_trunk(self):
        answer = refused(Edge().decide(invite("acl", transport="tls", offers_srtp=True)), Cause.SRTP_NOT_ALLOWED)
        assert (answer.sip_status, answer.error_code) == (488, 32207)

    def test_tls_with_plain_media_on_a_plain_trunk_is_fine(self):
        relayed(Edge().decide(invite("acl", transport="tls")), "acl")


@pytest.mark.parametrize(
    ("called", "guess"),
    [
        ("442071234567", " Did you mean +442071234567?"),
        ("00442071234567", " Did you mean +442071234567?"),
        ("100", ""),
        ("+44 20", ""),
        ("echo", ""),
    ],
)
def test_called_number(called, guess):
    answer = refused(Edge().decide(invite("acl", called.replace(" ", "%20"))), Cause.NUMBER_NOT_E164)
    assert (answer.sip_status, answer.reason, answer.called) == (400, "Invalid phone number", called)
    assert answer.headers == (("X-Twilio-Error", f"32101 Invalid phone number: {called} is not +E.164"),)
    assert answer.explanation.endswith("in all." + guess)


def test_before_admission_has_passed_no_answer_says_what_the_sender_did_not_send():
    """All refusals that a stranger can get, against everything that only we know."""
    edge = Edge()
    edge.routing.trunk_acls[sid("TK", "none")] = [sid("AL", "office")]
    secret = [row.sid for row in edge.routing.trunks.values()] + list(edge.routing.accounts) + ["198.51.100.0"]
    strangers = [
        edge.decide(invite(label, source_ip=source))
        for label in ("nobody", "acl", "both", "none")
        for source in (STRANGER, "203.0.113.9")
    ]
    strangers += [edge.call(invite("creds"), name, "wrong") for name in ("alice", "bob", "theo", "nobody")]
    strangers.append(edge.decide(invite(ruri=f"sip:{CALLED}@pstn.twilio.com")))
    for answer in strangers:
        assert isinstance(answer, Reject)
        assert not any(word in answer.text for word in secret), answer
