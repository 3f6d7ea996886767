"""What generated models do, besides holding their fields. models.py inherits from these."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from teller_client._decode import Model
from teller_client.errors import REJECTIONS, ApiError, Rejected, api_error

if TYPE_CHECKING:
    from teller_client.models import Problem, Transfer

T = TypeVar("T", bound="TransferBehaviour")


class TransferBehaviour(Model):
    @property
    def is_final(self) -> bool:
        """Whether the outcome stands for ever, also one that a later version of the API names."""
        return cast("Transfer", self).finished_at is not None

    @property
    def is_applied(self) -> bool:
        """Whether the money has moved; of a hold, whether it is reserved."""
        return cast("Transfer", self).status == "applied"

    def raise_for_rejection(self: T) -> T:
        """Return the transfer. Raises a subclass of Rejected when the ledger has rejected it; not while it is queued."""
        transfer = cast("Transfer", self)
        if transfer.status == "rejected":
            raise REJECTIONS.get(transfer.failure.code if transfer.failure else "", Rejected)(transfer)
        return self


class ProblemBehaviour(Model):
    def to_error(self) -> ApiError:
        """Return the error that a request of its own would have raised."""
        return api_error(cast("Problem", self).status, self.to_dict())
