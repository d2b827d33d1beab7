"""What a handler is given: who asks, for which account, with which parameters, in one database transaction.

The transaction is committed after the handler has made its answer and before the first byte of it is sent, so a client
that saw 201 finds its row on the next request, and a refused request leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy.orm import InstrumentedAttribute, Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trunkline.api import paging
from trunkline.api.auth import active_account, addressed_account, authenticate
from trunkline.api.base_url import BaseUrl, base_url
from trunkline.api.errors import asked_path
from trunkline.api.params import Params, read_params
from trunkline.settings import Settings
from trunkline.store.database import Database
from trunkline.store.models import Account


@dataclass(frozen=True, slots=True)
class Context:
    request: Request
    session: Session
    settings: Settings
    params: Params
    caller: Account
    """The account whose credentials came."""
    account: Account
    """The account that is acted upon: the one in the path, else the caller."""
    base: BaseUrl

    @property
    def path(self) -> str:
        """As the client wrote it; for `not_found`."""
        return asked_path(self.request)

    def page(
        self, statement: paging.Statement, time: InstrumentedAttribute[int], sid: InstrumentedAttribute[str]
    ) -> paging.Page:
        return paging.read_page(self.session, statement, time, sid, paging.page_request(self.params))

    def v2010_list(self, page: paging.Page, key: str, views: list[dict[str, Any]]) -> Response:
        path = self.request.scope["path"] + ".json"
        return JSONResponse(paging.v2010_list(page, key, views, path, self.params))

    def v1_list(self, page: paging.Page, key: str, views: list[dict[str, Any]], base: str) -> Response:
        return JSONResponse(paging.v1_list(page, key, views, base + self.request.scope["path"], self.params))


async def _turn(request: Request, params: Annotated[Params, Depends(read_params)]) -> AsyncIterator[Params]:
    """Lets in as many requests at a time as there are database connections, once their bodies have been read.

    A request changes threads while it holds its connection. Without this, a burst of requests could take all threads
    to wait for connections whose holders wait for a thread.
    """
    async with request.app.state.turns:
        yield params


def _open(request: Request, params: Annotated[Params, Depends(_turn, scope="function")]) -> Iterator[Context]:
    database: Database = request.app.state.database
    header = request.headers.get("authorization", "")
    if request.method == "GET":
        with database.read() as session:
            yield _context(request, params, session, authenticate(session, header))
        return
    # Authenticated by a transaction that only reads, so that strangers cannot make the writers of SQLite wait.
    with database.read() as session:
        caller_sid = authenticate(session, header).sid
    with database.write() as session:
        yield _context(request, params, session, active_account(session, caller_sid))


def _context(request: Request, params: Params, session: Session, caller: Account) -> Context:
    request.scope["account_sid"] = caller.sid
    in_path = request.path_params.get("account_sid")
    return Context(
        request=request,
        session=session,
        settings=request.app.state.settings,
        params=params,
        caller=caller,
        account=caller if in_path is None else addressed_account(session, caller, in_path),
        base=base_url(request.scope),
    )


Ctx = Annotated[Context, Depends(_open, scope="function")]


def shown(view: dict[str, Any]) -> Response:
    return JSONResponse(view)


def created(view: dict[str, Any]) -> Response:
    return JSONResponse(view, status_code=201)


def deleted() -> Response:
    """204 and no body; the vendor's CLI takes nothing else."""
    return Response(status_code=204)
