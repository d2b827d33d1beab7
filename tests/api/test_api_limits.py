"""Limits of accounts and trunks, and where an account may call: our own resources and the published permissions."""

from __future__ import annotations

import json

import pytest
from api_answers import code, made

from trunkline.store.limit_models import DestinationRule
from trunkline.store.models import Account


@pytest.fixture
def trunk(customer):
    return f"/trunkline/v1/Trunks/{made(customer.post('/v1/Trunks'))['sid']}"


def test_limits_of_a_trunk(customer, trunk):
    usual = customer.get(trunk).json()
    assert (usual["cps_limit"], usual["concurrent_calls_limit"], usual["max_call_seconds"]) == (1000.0, 20000, 86400)
    assert (usual["emergency_enabled"], usual["number_rules"]) == (False, [])
    rules = [{"match": "00", "strip": 2, "prefix": "+"}]
    form = {
        "CpsLimit": "0.5",
        "ConcurrentCallsLimit": "0",
        "MaxCallSeconds": "60",
        "EmergencyEnabled": "true",
        "NumberRules": json.dumps(rules),
    }
    shown = customer.post(trunk, data=form).json()
    assert (shown["cps_limit"], shown["concurrent_calls_limit"], shown["max_call_seconds"]) == (0.5, 0, 60)
    assert (shown["emergency_enabled"], shown["number_rules"]) == (True, rules)
    assert customer.post(trunk, data={"NumberRules": ""}).json()["number_rules"] == []


@pytest.mark.parametrize(
    "form",
    [
        {"CpsLimit": "0"},
        {"CpsLimit": "many"},
        {"CpsLimit": "1e9"},
        {"ConcurrentCallsLimit": "-1"},
        {"ConcurrentCallsLimit": "999999"},
        {"MaxCallSeconds": "0"},
        {"MaxCallSeconds": "90000"},
        {"EmergencyEnabled": "perhaps"},
        {"NumberRules": "no JSON"},
        {"NumberRules": '[{"match": "x", "strip": 1}]'},
    ],
)
def test_what_is_no_limit_of_a_trunk(customer, trunk, form):
    assert code(customer.post(trunk, data=form)) == 20422


def test_limits_of_an_account(owner, customer):
    path = f"/trunkline/v1/Accounts/{customer.sid}"
    usual = owner.get(path).json()
    assert (usual["daily_spend_cap"], usual["default_rate"], usual["spent_today"]) == ("10000.00", "0.01", "0.00")
    form = {"CpsLimit": "5", "ConcurrentCallsLimit": "10", "DailySpendCap": "12.5", "DefaultRate": "0.02"}
    shown = owner.post(path, data=form).json()
    assert (shown["cps_limit"], shown["concurrent_calls_limit"]) == (5.0, 10)
    assert (shown["daily_spend_cap"], shown["default_rate"], shown["spend_capped"]) == ("12.50", "0.02", False)
    assert owner.post(path, data={"DailySpendCap": ""}).json()["daily_spend_cap"] is None
    for bad in ({"DailySpendCap": "-1"}, {"DefaultRate": ""}, {"CpsLimit": "-1"}):
        assert code(owner.post(path, data=bad)) == 20422
    assert code(customer.post(path, data={"CpsLimit": "1000"}), 403) == 20006, "no tenant raises its own limits"


def test_destination_rules(api, owner, customer, stranger):
    path = f"/trunkline/v1/Accounts/{customer.sid}/DestinationRules"
    asked = customer.get(path, params={"To": "+881612345678"}).json()
    assert asked["rules"] == []
    assert (asked["to"]["kind"], asked["to"]["iso_code"], asked["to"]["allowed"]) == ("tollfraud", None, False)
    assert customer.post(path, data={"Scope": "+881", "Allowed": "true"}).json()["rules"] == [
        {"scope": "+881", "allowed": True}
    ]
    assert customer.get(path, params={"To": "+881612345678"}).json()["to"]["allowed"] is True
    owner.post(path, data={"Scope": "low:DE", "Allowed": "false"})
    assert customer.post(path, data={"Scope": "+881", "Allowed": ""}).json()["rules"] == [
        {"scope": "low:DE", "allowed": False}
    ]
    for bad in ("49", "low:XX", ""):
        assert code(customer.post(path, data={"Scope": bad, "Allowed": "true"})) in (20001, 20422)
    assert code(customer.get(path, params={"To": "12"})) == 21211
    assert stranger.get(path).status_code in (401, 403, 404)
    with api.database.read() as session:
        assert session.get(DestinationRule, (customer.sid, "low:DE")) is not None
        assert session.get(Account, customer.sid) is not None


def test_dialing_permissions(customer):
    base = "/v1/DialingPermissions"
    germany = customer.get(f"{base}/Countries/de").json()
    assert (germany["iso_code"], germany["country_codes"], germany["continent"]) == ("DE", ["+49"], "EUROPE")
    assert (germany["low_risk_numbers_enabled"], germany["high_risk_special_numbers_enabled"]) == (True, False)
    update = [{"iso_code": "DE", "low_risk_numbers_enabled": "false", "high_risk_special_numbers_enabled": "true"}]
    answer = made(customer.post(f"{base}/BulkCountryUpdates", data={"UpdateRequest": json.dumps(update)}))
    assert answer["update_count"] == 1
    found = customer.get(f"{base}/Countries", params={"LowRiskNumbersEnabled": "false"}).json()
    assert [row["iso_code"] for row in found["content"]] == ["DE"]
    prefixes = customer.get(f"{base}/Countries/DE/HighRiskSpecialPrefixes").json()["content"]
    assert {"prefix": "+49900"} in prefixes
    assert code(customer.get(f"{base}/Countries/XX"), 404) == 20404
    for bad in ("", "{}", "[1]", '[{"iso_code": "XX"}]', '[{"iso_code": "DE", "low": "true"}]'):
        assert code(customer.post(f"{base}/BulkCountryUpdates", data={"UpdateRequest": bad})) in (20001, 20422)


def test_countries_in_pages(customer):
    path, seen = "/v1/DialingPermissions/Countries?PageSize=100", []
    while path:
        page = customer.get(path).json()
        seen += [row["iso_code"] for row in page["content"]]
        following = page["meta"]["next_page_url"]
        path = following and "/v1/" + following.partition("/v1/")[2]
    assert len(seen) == len(set(seen)) > 220
