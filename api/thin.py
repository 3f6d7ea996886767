"""The verbs that carry the load, with their OpenAPI written beside them: they take the fast lane.

FastAPI's own routes cost several times as much a request; everything else is worth that price.
"""

from typing import Any

from pydantic import BaseModel
from starlette.routing import Route

from api.batch import BatchRequest, BatchView, post_batch
from api.fast_lane import Endpoint
from api.openapi import FIND_PROBLEMS, PREFER, WAITED, batch_operation, described, money_operation, problem_responses, reference
from api.submit import NewDeposit, NewTransfer, post_deposit, post_transfer
from api.transfers import TRANSFER_ID_SCHEMA, get_transfer

MODELS: list[type[BaseModel]] = [NewDeposit, NewTransfer, BatchRequest, BatchView]


def verbs() -> dict[tuple[str, str], Endpoint]:
    """Return them for the fast lane."""
    return {
        ("POST", "/v1/deposits"): post_deposit,
        ("POST", "/v1/transfers"): post_transfer,
        ("POST", "/v1/transfers/batch"): post_batch,
        ("GET", "/v1/transfers/{id}"): get_transfer,
    }


def routes() -> list[Route]:
    """Return them for the application, which knows by them which methods a path has."""
    return [Route(path, verb, methods=[method]) for (method, path), verb in verbs().items()]


def paths() -> dict[str, Any]:
    """Return what the OpenAPI document says of these routes."""
    return {
        "/v1/deposits": {"post": money_operation("Deposit into a wallet", post_deposit, NewDeposit, "forbidden")},
        "/v1/transfers": {"post": money_operation("Transfer between wallets", post_transfer, NewTransfer)},
        "/v1/transfers/batch": {"post": batch_operation("Transfer many at once", post_batch, BatchRequest, BatchView)},
        "/v1/transfers/{transfer_id}": {"get": get_operation()},
    }


def get_operation() -> dict[str, Any]:
    content = {"application/json": {"schema": reference("TransferView")}}
    return {
        **described("Look a transfer up", get_transfer),
        "parameters": [{"name": "transfer_id", "in": "path", "required": True, "schema": TRANSFER_ID_SCHEMA}, PREFER],
        "responses": {
            "200": {"description": "the transfer", "content": content, "headers": WAITED},
            **{str(status): response for status, response in problem_responses(*FIND_PROBLEMS).items()},
        },
    }
