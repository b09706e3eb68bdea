"""Who asks, and what they may do: Airflow's own logins and permissions, on every route.

Reading needs the right to read `market_minute`, whose data this is. A change needs the right it would need in Airflow:
to trigger or to edit the DAG it is about.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, oauth2_scheme
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from fastapi.security import HTTPAuthorizationCredentials

from candlewick_ui.problems import Problem
from candlewick_ui.recent import Recent
from candlewick_ui.same_origin import SAFE_METHODS

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod

DAG_OF_THE_DATA = "market_minute"
TO_READ = "read the market's data"
_passed = Recent()
HAS_TEAMS = conf.getboolean("core", "multi_team", fallback=False)


class LoginNeeded(Exception):
    """A page was asked for without a login."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


async def may_read(
    request: Request,
    _described: Annotated[str | None, Depends(oauth2_scheme)],  # so that the API's document says how to log in
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
) -> BaseUser:
    """Let pass who may read the data; return the user.

    A token that was let pass within the last second reads again without being looked at.
    """
    token = credentials.credentials if credentials and request.method in SAFE_METHODS else None
    if token and (user := _passed.user(token)):
        return user
    user = await get_user(request, None, credentials)
    await run_in_threadpool(demand_dag, user, "GET", DAG_OF_THE_DATA, TO_READ)
    if token:
        _passed.keep(token, user)
    return user


ReaderDep = Annotated[BaseUser, Depends(may_read)]


def demand_dag(
    user: BaseUser, method: ResourceMethod, dag_id: str, what: str, entity: DagAccessEntity | None = None
) -> BaseUser:
    """Refuse who may not do this with a DAG; return who may.

    Raises:
        Problem: 403, the sentence says which right is missing.
    """
    if not has_right(user, method, dag_id, entity):
        sentence = (
            f"expected the right to {what} (DAG {dag_id}), but {user.get_name()} does not have it; ask an administrator"
        )
        raise Problem(HTTPStatus.FORBIDDEN, sentence)
    return user


def has_right(user: BaseUser, method: ResourceMethod, dag_id: str, entity: DagAccessEntity | None = None) -> bool:
    """Tell whether Airflow lets the user do this with a DAG: what pages ask before they show a button."""
    # The team costs a query of Airflow's database, in each request.
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id) if HAS_TEAMS else None)
    return get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user)


async def page_login(request: Request) -> BaseUser:
    """Let pass who is logged in; a browser without a login is led to Airflow's, and back.

    Raises:
        LoginNeeded: nobody is logged in.
    """
    try:
        return await get_user(request, None, await bearer_scheme(request))
    except HTTPException as refused:
        if refused.status_code not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise
        raise LoginNeeded(get_auth_manager().get_url_login(next_url=str(request.url))) from None


async def page_reader(request: Request) -> BaseUser:
    """Let pass who may read, as :func:`page_login`."""
    user = await page_login(request)
    request.state.user = user  # whose name stands on pages about errors too
    return await run_in_threadpool(demand_dag, user, "GET", DAG_OF_THE_DATA, TO_READ)


def install(app: FastAPI) -> None:
    """Lead to the login wherever a page needs one."""

    @app.exception_handler(LoginNeeded)
    def _login(_: Request, needed: LoginNeeded) -> Response:
        return RedirectResponse(needed.url, HTTPStatus.SEE_OTHER)
