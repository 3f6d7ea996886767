"""The caller of a request as a parameter of routes: `CallerDep` for any caller with a key, `OperatorDep` for operators."""

from typing import Annotated

from fastapi import Depends, Request

from api.admission.auth import Caller
from api.http.problems import Problem
from api.services import services


async def authenticate(request: Request) -> Caller:
    """Return the caller whose key the request carries. Raises Problem "unauthorized", and Unavailable."""
    return await services(request).authenticator.authenticate(request)


CallerDep = Annotated[Caller, Depends(authenticate)]


async def require_operator(caller: CallerDep) -> Caller:
    """Return the caller when it is an operator. Raises Problem "forbidden", and what `authenticate` raises."""
    if not caller.is_operator:
        raise Problem("forbidden")
    return caller


OperatorDep = Annotated[Caller, Depends(require_operator)]
