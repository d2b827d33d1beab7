"""/v1/DialingPermissions (voice.twilio.com): which countries an account may call, in the published shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.context import Context, Ctx, created, shown
from trunkline.api.fields import Flag
from trunkline.api.limits import DESTINATION_RULES_PER_ACCOUNT, PAGE_SIZE_DEFAULT, PAGE_SIZE_MOST
from trunkline.core.destination import COUNTRIES, KINDS, OPEN_BY_DEFAULT, Country, Kind, high_risk_prefixes
from trunkline.store.destination_rules import destination_rules, set_destination_rule

router = APIRouter(prefix="/v1/DialingPermissions")

FIELD_OF: dict[Kind, str] = {
    "low": "low_risk_numbers_enabled",
    "special": "high_risk_special_numbers_enabled",
    "tollfraud": "high_risk_tollfraud_numbers_enabled",
}
FILTER_OF: dict[Kind, str] = {
    "low": "LowRiskNumbersEnabled",
    "special": "HighRiskSpecialNumbersEnabled",
    "tollfraud": "HighRiskTollfraudNumbersEnabled",
}


@router.get("/Countries")
def list_(context: Ctx) -> Response:
    """`IsoCode`, `Continent`, `CountryCode`, and the three permissions as filters."""
    return _page(context, "Countries", list(_matching(context)))


@router.get("/Countries/{iso_code}")
def fetch(context: Ctx, iso_code: str) -> Response:
    return shown(view(context, _country(context, iso_code), destination_rules(context.session, context.account.sid)))


@router.get("/Countries/{iso_code}/HighRiskSpecialPrefixes")
def list_prefixes(context: Ctx, iso_code: str) -> Response:
    country = _country(context, iso_code)
    rows = [{"prefix": prefix} for prefix in high_risk_prefixes(country.iso, "special")]
    return _page(context, f"Countries/{country.iso}/HighRiskSpecialPrefixes", rows)


@router.post("/BulkCountryUpdates")
def update(context: Ctx) -> Response:
    """`UpdateRequest`: JSON, a list of `{"iso_code": "DE", "low_risk_numbers_enabled": "true", …}`."""
    text = context.params.required("UpdateRequest")
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiError(20422, "UpdateRequest must be a JSON list of objects, each with iso_code and permissions")
    for row in rows:
        _update(context, row)
    return created({"update_count": len(rows), "update_request": text})


def _update(context: Context, row: dict[str, Any]) -> None:
    country = COUNTRIES.get(str(row.get("iso_code", "")).upper())
    if country is None:
        raise ApiError(20422, "UpdateRequest: iso_code must be one that the list of countries has")
    unknown = row.keys() - {"iso_code", *FIELD_OF.values()}
    if unknown:
        raise ApiError(20422, f"UpdateRequest: no such field: {', '.join(sorted(unknown))[:80]}")
    for kind in KINDS:
        value = row.get(FIELD_OF[kind])
        if value is not None:
            allowed = Flag(FIELD_OF[kind], "").read(str(value))
            rule = None if allowed == (kind in OPEN_BY_DEFAULT) else allowed
            scope = f"{kind}:{country.iso}"
            set_destination_rule(context.session, context.account.sid, scope, rule, most=DESTINATION_RULES_PER_ACCOUNT)


def _country(context: Context, iso_code: str) -> Country:
    country = COUNTRIES.get(iso_code.upper())
    if country is None:
        raise not_found(context.path)
    return country


def _matching(context: Context) -> Iterator[dict[str, Any]]:
    params = context.params
    rules = destination_rules(context.session, context.account.sid)
    iso, continent = (params.get("IsoCode") or "").upper(), (params.get("Continent") or "").upper()
    code = (params.get("CountryCode") or "").strip("+ ")
    for country in COUNTRIES.values():
        if iso not in ("", country.iso) or continent not in ("", country.continent):
            continue
        if code and not any(prefix.startswith(code) for prefix in country.prefixes):
            continue
        row = view(context, country, rules)
        wanted = ((FIELD_OF[kind], params.get(FILTER_OF[kind])) for kind in KINDS)
        if all(not text or row[field] == Flag(field, "").read(text) for field, text in wanted):
            yield row


def view(context: Context, country: Country, rules: dict[str, bool]) -> dict[str, Any]:
    url = f"{context.base.of('voice')}/v1/DialingPermissions/Countries/{country.iso}"
    permissions = {FIELD_OF[kind]: rules.get(f"{kind}:{country.iso}", kind in OPEN_BY_DEFAULT) for kind in KINDS}
    return {
        "iso_code": country.iso,
        "name": country.name,
        "continent": country.continent,
        "country_codes": [f"+{prefix}" for prefix in country.prefixes],
        **permissions,
        "url": url,
        "links": {"highrisk_special_prefixes": f"{url}/HighRiskSpecialPrefixes"},
    }


def _page(context: Context, path: str, rows: list[dict[str, Any]]) -> Response:
    """A part of a list that is short and in memory, in the published envelope."""
    number = _whole(context, "Page", 0, 0, 10**6)
    size = _whole(context, "PageSize", PAGE_SIZE_DEFAULT, 1, PAGE_SIZE_MOST)
    url = f"{context.base.of('voice')}/v1/DialingPermissions/{path}"
    others = [(name, value) for name, value in context.request.query_params.items() if name not in ("Page", "PageSize")]
    more = "".join(f"&{name}={value}" for name, value in others if value.isalnum())

    def link(page: int) -> str:
        return f"{url}?PageSize={size}&Page={page}{more}"

    meta = {
        "first_page_url": link(0),
        "key": "content",
        "next_page_url": link(number + 1) if (number + 1) * size < len(rows) else None,
        "page": number,
        "page_size": size,
        "previous_page_url": link(number - 1) if number else None,
        "url": link(number),
    }
    return JSONResponse({"content": rows[number * size : (number + 1) * size], "meta": meta})


def _whole(context: Context, name: str, usual: int, least: int, most: int) -> int:
    text = context.params.get(name)
    if not text:
        return usual
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ApiError(20422, f"{name} must be a whole number from {least} to {most}")
    return int(text)
