"""The caller of a request, as routes ask for it: `Known` for each caller with a key, `Operator` for operators."""

from typing import Annotated

from fastapi import Depends, Request

from api.admission.auth import Caller
from api.http.problems import Problem
from api.services import services


async def admit(request: Request) -> Caller:
    """Return the caller whose key the request carries. Raises Problem "unauthorized", and Unavailable."""
    return await services(request).doorman.admit(request)


Known = Annotated[Caller, Depends(admit)]


async def admit_operator(caller: Known) -> Caller:
    """Return the caller when it is an operator. Raises Problem "forbidden", and what `admit` raises."""
    if not caller.is_operator:
        raise Problem("forbidden")
    return caller


Operator = Annotated[Caller, Depends(admit_operator)]
