"""Filters by time: `StartTime`, `StartTime<`, `StartTime>` and the `StartDate`, `EndDate` of alerts.

The published parameters are named with their sign, so a client writes `StartTime>=2024-05-01`: on or after, and `<`
likewise on or before. A date in `<` is its midnight (the day itself is not in), as the vendor's text has it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from trunkline.api.api_error import ApiError
from trunkline.api.dates import SECOND_US, parse_moment
from trunkline.api.params import Params


def moment(params: Params, name: str) -> tuple[int, int] | None:
    """First microsecond of what the parameter names and the first after it. Raises ApiError 20422."""
    text = params.get(name)
    if not text:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        raise ApiError(20422, f"{name}: {error}") from error


def within(params: Params, name: str, column: InstrumentedAttribute[Any]) -> list[ColumnElement[bool]]:
    """The conditions of one time filter of the calls list."""
    conditions: list[ColumnElement[bool]] = []
    if exact := moment(params, name):
        conditions += [column >= exact[0], column < exact[1]]
    if before := moment(params, name + "<"):
        start, end = before
        conditions.append(column < (end if end - start == SECOND_US else start + 1))
    if after := moment(params, name + ">"):
        conditions.append(column >= after[0])
    return conditions
