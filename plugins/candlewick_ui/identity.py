"""Who asks, and what they may do: Airflow's own logins and permissions, on every route.

Reading needs the right to read `market_minute`, whose data this is. A change needs the right it would need in Airflow:
to trigger or to edit the DAG it is about.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, get_user
from fastapi import Depends, HTTPException, Request

from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

DAG_OF_THE_DATA = "market_minute"


class LoginNeeded(Exception):  # noqa: N818 -- what the page needs
    """A page was asked for without a login."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def may_read(user: GetUserDep) -> BaseUser:
    """Let pass who may read the data; return the user."""
    return _demand(user, "GET", DAG_OF_THE_DATA, None, "read the market's data")


def may(method: ResourceMethod, dag_id: str, what: str, entity: DagAccessEntity | None = None) -> Callable[..., BaseUser]:
    """Return a dependency that lets pass who may do this with a DAG; ``what`` is said when not."""

    def allowed(user: GetUserDep) -> BaseUser:
        return _demand(user, method, dag_id, entity, what)

    return allowed


def demand_dag(user: BaseUser, method: ResourceMethod, dag_id: str, what: str, entity: DagAccessEntity | None = None) -> None:
    """Refuse who may not do this with a DAG that only the request names."""
    _demand(user, method, dag_id, entity, what)


async def page_reader(request: Request) -> BaseUser:
    """Let pass who may read; a browser without a login is led to Airflow's, and back.

    Raises:
        LoginNeeded: nobody is logged in.
    """
    try:
        user = await get_user(request, None, None)
    except HTTPException as refused:
        if refused.status_code not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise
        raise LoginNeeded(get_auth_manager().get_url_login(next_url=str(request.url))) from None
    return _demand(user, "GET", DAG_OF_THE_DATA, None, "read the market's data")


ReaderDep = Annotated["BaseUser", Depends(may_read)]


def _demand(
    user: BaseUser, method: ResourceMethod, dag_id: str, entity: DagAccessEntity | None, what: str
) -> BaseUser:
    details = DagDetails(id=dag_id)
    if not get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"expected the right to {what} (DAG {dag_id}), but {user.get_name()} does not have it; ask an administrator",
        )
    return user
