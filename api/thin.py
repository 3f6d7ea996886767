"""The verbs that carry the load: plain Starlette routes, with their OpenAPI written beside them.

FastAPI's own routes cost several times as much a request; everything else is worth that price.
"""

from typing import Any

from pydantic import BaseModel
from starlette.routing import Route

from api.batch import BatchRequest, BatchView, post_batch
from api.openapi import FIND_PROBLEMS, batch_operation, described, money_operation, problem_responses, reference
from api.submit import NewDeposit, NewTransfer, post_deposit, post_transfer
from api.transfers import TRANSFER_ID_SCHEMA, get_transfer

MODELS: list[type[BaseModel]] = [NewDeposit, NewTransfer, BatchRequest, BatchView]


def routes() -> list[Route]:
    get_one = Route("/v1/transfers/{transfer_id}", get_transfer)
    get_one.methods = {"GET"}  # HEAD is answered with 405, as by FastAPI's routes
    return [
        Route("/v1/deposits", post_deposit, methods=["POST"]),
        Route("/v1/transfers", post_transfer, methods=["POST"]),
        Route("/v1/transfers/batch", post_batch, methods=["POST"]),
        get_one,
    ]


def paths() -> dict[str, Any]:
    """Return what the OpenAPI document says of these routes."""
    return {
        "/v1/deposits": {"post": money_operation("Deposit into a wallet", post_deposit, NewDeposit)},
        "/v1/transfers": {"post": money_operation("Transfer between wallets", post_transfer, NewTransfer)},
        "/v1/transfers/batch": {"post": batch_operation("Transfer many at once", post_batch, BatchRequest, BatchView)},
        "/v1/transfers/{transfer_id}": {"get": get_operation()},
    }


def get_operation() -> dict[str, Any]:
    content = {"application/json": {"schema": reference("TransferView")}}
    return {
        **described("Look a transfer up", get_transfer),
        "parameters": [{"name": "transfer_id", "in": "path", "required": True, "schema": TRANSFER_ID_SCHEMA}],
        "responses": {
            "200": {"description": "the transfer", "content": content},
            **{str(status): response for status, response in problem_responses(*FIND_PROBLEMS).items()},
        },
    }
