"""/trunkline/v1/Carriers/{sid}/Rates: what a carrier takes per minute, by prefix; the longest one counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import ApiError
from trunkline.api.carrier_fields import RATE_SECONDS_MOST
from trunkline.api.carriers import carrier, of_carrier
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import WholeNumber, change, quoted, read_fields
from trunkline.api.limit_fields import OptionalAmount
from trunkline.api.money import decimal_text
from trunkline.store.carrier_models import CarrierRate
from trunkline.store.carriers import replace_rates, set_rate

router = APIRouter(prefix="/trunkline/v1/Carriers/{carrier_sid}/Rates")


@dataclass(frozen=True, slots=True)
class Prefix:
    """`+49`; `+` is every number."""

    name: str = "Prefix"
    column: str = "prefix"

    def read(self, text: str) -> str:
        # A plus sign that was not escaped in a form arrives as a blank.
        prefix = "+" + text.lstrip("+ ")
        if len(prefix) <= 16 and (prefix == "+" or (prefix[1:].isascii() and prefix[1:].isdecimal())):
            return prefix
        raise ApiError(20422, f"{self.name} must be how numbers begin, such as +49, not {quoted(text)}")


PREFIX = Prefix()
FIELDS: tuple[OptionalAmount, WholeNumber, WholeNumber] = (
    OptionalAmount("PricePerMinute", "price_micros", may_be_empty=False),
    WholeNumber("FirstSeconds", "first_seconds", 1, RATE_SECONDS_MOST),
    WholeNumber("NextSeconds", "next_seconds", 1, RATE_SECONDS_MOST),
)
NAMES = [PREFIX.name, *[field.name for field in FIELDS]]


@router.get("")
def list_(context: Ctx, carrier_sid: str) -> Response:
    query = select(CarrierRate).where(CarrierRate.carrier_sid == carrier(context, carrier_sid).sid)
    page = context.page(query, CarrierRate.date_created_us, CarrierRate.sid)
    return context.v1_list(page, "rates", [view(context, row) for row in page.rows], context.base.own)


@router.post("")
def create(context: Ctx, carrier_sid: str) -> Response:
    """A prefix that has a rate already gets this one."""
    parent = carrier(context, carrier_sid)
    context.params.refuse_unknown(NAMES)
    values = read_fields((PREFIX, *FIELDS), context.params, required=["Prefix", "PricePerMinute"])
    return created(view(context, set_rate(context.session, parent, **values)))


@router.post("/Deck")
def replace_all(context: Ctx, carrier_sid: str) -> Response:
    """`Deck`: `prefix,price per minute[,first seconds,next seconds]` and so on, with semicolons between; they take the
    place of all rates."""
    parent = carrier(context, carrier_sid)
    context.params.refuse_unknown(["Deck"])
    rates = read_deck(context.params.required("Deck"))
    replace_rates(context.session, parent, rates)
    return shown({"carrier_sid": parent.sid, "rates": len(rates)})


def read_deck(text: str) -> dict[str, tuple[int, int, int]]:
    """By prefix; what is empty or begins with # is left out. Raises ApiError, which names the entry."""
    price, first, following = FIELDS
    rates: dict[str, tuple[int, int, int]] = {}
    for number, entry in enumerate(text.split(";"), 1):
        cells = [cell.strip() for cell in entry.split(",")]
        if not entry.strip() or entry.startswith("#"):
            continue
        try:
            if len(cells) not in (2, 4):
                raise ApiError(20422, "two or four values are wanted: +49,0.0125 or +49,0.0125,60,60")
            seconds = (first.read(cells[2]), following.read(cells[3])) if len(cells) == 4 else (60, 60)
            rates[PREFIX.read(cells[0])] = (price.read(cells[1]) or 0, *seconds)
        except ApiError as problem:
            raise ApiError(20422, f"Deck, entry {number}: {problem}") from None
    return rates


@router.get("/{sid}")
def fetch(context: Ctx, carrier_sid: str, sid: str) -> Response:
    return shown(view(context, of_carrier(context, CarrierRate, carrier_sid, sid)))


@router.post("/{sid}")
def update(context: Ctx, carrier_sid: str, sid: str) -> Response:
    row = of_carrier(context, CarrierRate, carrier_sid, sid)
    context.params.refuse_unknown(field.name for field in FIELDS)
    change(row, read_fields(FIELDS, context.params))
    context.session.flush()
    return shown(view(context, row))


@router.delete("/{sid}")
def delete(context: Ctx, carrier_sid: str, sid: str) -> Response:
    context.session.delete(of_carrier(context, CarrierRate, carrier_sid, sid))
    return deleted()


def view(context: Context, row: CarrierRate) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "carrier_sid": row.carrier_sid,
        "prefix": row.prefix,
        "price_per_minute": decimal_text(row.price_micros),
        "first_seconds": row.first_seconds,
        "next_seconds": row.next_seconds,
        "date_created": iso8601(row.date_created_us),
        "date_updated": iso8601(row.date_updated_us),
        "url": f"{context.base.own}/trunkline/v1/Carriers/{row.carrier_sid}/Rates/{row.sid}",
    }
