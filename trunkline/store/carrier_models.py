"""What a carrier wants and what it costs, as columns of carriers, and the table of rates. Conventions: `models.py`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trunkline.store.base import Base, BigInt
from trunkline.store.sids import new_sid

if TYPE_CHECKING:
    from trunkline.store.models import Carrier

PROBE_SECONDS = 30
PROBE_MISSES = 3
REGISTER_EXPIRES = 300
FIRST_SECONDS = NEXT_SECONDS = 60


class CarrierSettings:
    """Columns of `carriers`. How numbers and headers look: `trunkline.core.carrier_format`."""

    number_format: Mapped[str] = mapped_column(default="e164", server_default="e164")
    """`e164` (+4930…) or `digits` (4930…)."""
    tech_prefix: Mapped[str] = mapped_column(default="", server_default=text("''"))
    """Before the called number."""
    caller_header: Mapped[str] = mapped_column(default="both", server_default="both")
    """Where the caller stands: `both`, `from` or `asserted` (P-Asserted-Identity)."""
    from_user: Mapped[str | None]
    """With `asserted`: the user of From, where the carrier wants its own name for us there."""
    from_domain: Mapped[str | None]
    """Host of From and P-Asserted-Identity; None: our address."""
    cps_limit: Mapped[float | None]
    """Calls that may begin per second; None: no limit."""
    concurrent_calls_limit: Mapped[int | None]
    auth_username: Mapped[str | None]
    auth_realm: Mapped[str | None]
    """The realm of the carrier's challenge, which the HA1s are made with."""
    auth_ha1_md5: Mapped[str | None]
    auth_ha1_sha256: Mapped[str | None]
    probe_seconds: Mapped[int] = mapped_column(default=PROBE_SECONDS, server_default=str(PROBE_SECONDS))
    """Between two OPTIONS to each target; 0: none."""
    probe_misses: Mapped[int] = mapped_column(default=PROBE_MISSES, server_default=str(PROBE_MISSES))
    """So many in a row without an answer, and the target is down."""
    register_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    """We register with it, by its credentials."""
    registrar: Mapped[str | None]
    """`sip:host:port;transport=udp`; None: its first target."""
    register_expires: Mapped[int] = mapped_column(default=REGISTER_EXPIRES, server_default=str(REGISTER_EXPIRES))
    """Seconds."""


class CarrierRate(Base):
    """What a minute costs towards the numbers that begin so."""

    __tablename__ = "carrier_rates"
    __table_args__ = (UniqueConstraint("carrier_sid", "prefix"),)

    sid: Mapped[str] = mapped_column(primary_key=True, default=partial(new_sid, "CF"))
    carrier_sid: Mapped[str] = mapped_column(ForeignKey("carriers.sid"))
    prefix: Mapped[str]
    """`+49`; `+` is every number."""
    price_micros: Mapped[int] = mapped_column(BigInt)
    """Millionths of the currency unit per minute."""
    first_seconds: Mapped[int] = mapped_column(default=FIRST_SECONDS)
    """Billed at least."""
    next_seconds: Mapped[int] = mapped_column(default=NEXT_SECONDS)
    """Then by so many at a time."""

    carrier: Mapped[Carrier] = relationship("Carrier", back_populates="rates")
