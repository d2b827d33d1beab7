"""Lists: reading one page by key, and the two shapes a page is shown in.

A page is found by the key of its neighbour (`WHERE (time, sid) < (…) ORDER BY time DESC, sid DESC LIMIT n`), so the
last page of a million rows costs as much as the first, and rows that come or go meanwhile shift nothing. The key
travels in `PageToken`: `PA<microseconds>.<sid>` for the page after it, `PB…` for the page before. `Page` alone, without
a token, is answered by an offset; that is slow far out, so it has a limit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from trunkline.api.api_error import ApiError
from trunkline.api.limits import PAGE_OFFSET_MOST, PAGE_SIZE_DEFAULT, PAGE_SIZE_MOST
from trunkline.api.params import Params

Statement = Select[*tuple[Any, ...]]
"""A SELECT of one entity or of several."""

_TOKEN = re.compile(r"(P[AB])([0-9]{1,18})\.([A-Z]{2}[0-9a-f]{32})")
_PAGING = ("PageSize", "Page", "PageToken")


@dataclass(frozen=True, slots=True)
class PageRequest:
    size: int
    number: int
    """Counts from 0. With a token it is only a label."""
    forward: bool = True
    key: tuple[int, str] | None = None
    """(microseconds, SID) of the neighbour; None: from the start."""


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    """Of each row what the statement selects: the entity itself where it is one."""
    request: PageRequest
    next_token: str | None
    previous_token: str | None


def page_request(params: Params) -> PageRequest:
    """Raises ApiError 20007, 20422 or 21481."""
    size = _whole(params, "PageSize", PAGE_SIZE_DEFAULT)
    if not 1 <= size <= PAGE_SIZE_MOST:
        raise ApiError(20007, f"PageSize must be from 1 to {PAGE_SIZE_MOST}, not {size}")
    number = _whole(params, "Page", 0)
    token = params.get("PageToken")
    if token:
        match = _TOKEN.fullmatch(token)
        if not match:
            raise ApiError(21481, "PageToken is not one of ours; take it from the link to the next page")
        return PageRequest(size, number, match[1] == "PA", (int(match[2]), match[3]))
    if number * size > PAGE_OFFSET_MOST:
        raise ApiError(20422, f"Without a PageToken a Page may start at row {PAGE_OFFSET_MOST} at most")
    return PageRequest(size, number)


def _whole(params: Params, name: str, default: int) -> int:
    text = params.get(name)
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ApiError(20007 if name == "PageSize" else 20422, f"{name} must be a whole number")
    return int(text)


def read_page(
    session: Session,
    statement: Statement,
    time: InstrumentedAttribute[int],
    sid: InstrumentedAttribute[str],
    asked: PageRequest,
) -> Page:
    """One page, newest first. `time` and `sid` are the columns of the key; together they must be unique."""
    key = tuple_(time, sid)
    query = statement.add_columns(time, sid)
    if asked.key is not None:
        query = query.where(key < asked.key if asked.forward else key > asked.key)
    elif asked.number:
        query = query.offset(asked.number * asked.size)
    query = query.order_by(time.desc(), sid.desc()) if asked.forward else query.order_by(time, sid)
    found = session.execute(query.limit(asked.size + 1)).all()
    more, found = len(found) > asked.size, found[: asked.size]
    if not asked.forward:
        found = found[::-1]
    next_token = _token("PA", found[-1]) if found and (more or not asked.forward) else None
    previous_token = _token("PB", found[0]) if found and asked.number > 0 else None
    return Page([_entity(row) for row in found], asked, next_token, previous_token)


def _entity(row: Sequence[Any]) -> Any:
    return row[0] if len(row) == 3 else tuple(row[:-2])


def _token(kind: str, row: Sequence[Any]) -> str:
    return f"{kind}{row[-2]}.{row[-1]}"


def _links(page: Page, url: str, params: Params) -> dict[str, str | None]:
    """first, previous, this and next page: `url` with the filters that were sent."""
    filters = [(name, value) for name, value in params.pairs() if name not in _PAGING]
    number = page.request.number

    def link(to: int, token: str | None) -> str:
        paging = [("PageSize", str(page.request.size)), ("Page", str(to))]
        return f"{url}?{urlencode(filters + paging + ([('PageToken', token)] if token else []))}"

    return {
        "first": link(0, None),
        "previous": link(number - 1, page.previous_token) if page.previous_token else None,
        "this": link(number, params.get("PageToken")),
        "next": link(number + 1, page.next_token) if page.next_token else None,
    }


def v2010_list(page: Page, key: str, views: list[dict[str, Any]], path: str, params: Params) -> dict[str, Any]:
    """The 2010-04-01 shape: relative URIs, and no key beside these and `key` (clients take the one that is left)."""
    links = _links(page, path, params)
    start = page.request.number * page.request.size
    return {
        "first_page_uri": links["first"],
        "end": start + max(len(views) - 1, 0),
        "previous_page_uri": links["previous"],
        key: views,
        "uri": links["this"],
        "page_size": page.request.size,
        "start": start,
        "next_page_uri": links["next"],
        "page": page.request.number,
    }


def v1_list(page: Page, key: str, views: list[dict[str, Any]], url: str, params: Params) -> dict[str, Any]:
    """The v1 shape: absolute URLs in `meta`, and `meta.key` names the list."""
    links = _links(page, url, params)
    return {
        "meta": {
            "page": page.request.number,
            "page_size": page.request.size,
            "first_page_url": links["first"],
            "previous_page_url": links["previous"],
            "url": links["this"],
            "next_page_url": links["next"],
            "key": key,
        },
        key: views,
    }
