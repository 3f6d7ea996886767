"""The caller of a request as a parameter of routes: `CallerDep` for any caller with a key, `OperatorDep` for operators,
`ReaderDep` for operators and viewers.
"""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from api.admission.auth import Caller
from api.http.parameters import asks_for_preview
from api.http.problems import Problem
from api.services import services


async def authenticate(request: Request) -> Caller:
    """Return the caller whose key the request carries.

    Raises Problem "unauthorized", and Unavailable; and Problem "forbidden" for a viewer's request that could change something. That
    is each but a GET and a preview, whatever its route: a route that is added is shut to viewers until it is a GET. The refusal
    costs a token of the key's rate, as any.
    """
    shared = services(request)
    caller = await shared.authenticator.authenticate(request)
    if caller.is_viewer and request.method != "GET" and not asks_for_preview(request):
        raise await shared.gate.charge_for(caller, Problem("forbidden"))
    return caller


async def learn_unless_seen(request: Request, caller: Caller, *parties: Collection[UUID]) -> None:
    """Let the caller learn of its client's new wallets, unless it sees a wallet of each of these collections already.

    A key is cached for some seconds (api/admission/auth.py), in which a client may get another wallet. What is another client's
    costs the same statement as what does not exist, so the time of an answer tells neither. Raises Unavailable.
    """
    if not all(any(caller.sees_wallet(id) for id in wallet_ids) for wallet_ids in parties):
        await services(request).authenticator.learn_wallets(caller)


CallerDep = Annotated[Caller, Depends(authenticate)]


async def require_operator(caller: CallerDep) -> Caller:
    """Return the caller when it is an operator. Raises Problem "forbidden", and what `authenticate` raises."""
    if not caller.is_operator:
        raise Problem("forbidden")
    return caller


OperatorDep = Annotated[Caller, Depends(require_operator)]


async def require_reader(caller: CallerDep) -> Caller:
    """Return the caller when it is an operator or a viewer. Raises Problem "forbidden", and what `authenticate` raises."""
    if not caller.sees_all:
        raise Problem("forbidden")
    return caller


ReaderDep = Annotated[Caller, Depends(require_reader)]
