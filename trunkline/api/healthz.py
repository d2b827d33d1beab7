"""GET /healthz: 200 while everything works, 503 and the name of what does not. Needs no credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trunkline.store.database import Database
from trunkline.store.errors import StoreError

router = APIRouter()


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What the parts of a node say. Each value is None (works) or, in words, what is wrong."""

    parts: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        return all(problem is None for problem in self.parts.values())


@router.get("/healthz")
def show(request: Request) -> Response:
    state = request.app.state
    parts = {"api": None, "database": _database_problem(state.database)}
    if state.health is not None:
        parts |= state.health().parts
    report = HealthReport(parts)
    body = {
        "status": "ok" if report.healthy else "unhealthy",
        "parts": {name: problem or "ok" for name, problem in report.parts.items()},
        "not_working": [name for name, problem in report.parts.items() if problem is not None],
    }
    return JSONResponse(body, status_code=200 if report.healthy else 503)


def _database_problem(database: Database) -> str | None:
    try:
        with database.read() as session:
            session.execute(text("SELECT 1 FROM accounts LIMIT 1"))
    except StoreError as error:
        return str(error)
    return None
