"""The options that every command takes, and those that every movement of money takes."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

GLOBAL = Group("Options of every command", sort_key=90)
PAYMENT = Group("Options of what moves money", sort_key=80)


@Parameter(name="*", group=GLOBAL)
@dataclass(frozen=True)
class Common:
    """Where Teller is, with which key, and how the answer is printed."""

    json: Annotated[bool, Parameter(name="--json", negative="")] = False
    """print the API's JSON"""
    profile: Annotated[str | None, Parameter(name="--profile")] = None
    """a stored login, as `teller login --profile` has named it; `local` is the system of `make run` in this folder"""
    url: Annotated[str | None, Parameter(name="--url")] = None
    """the API's address (default: TELLER_URL, then the login)"""
    key: Annotated[str | None, Parameter(name="--key")] = None
    """the API key (default: TELLER_KEY, then the login); other accounts of this machine may see it in the list of processes"""

    retry_within: Annotated[float, Parameter(name="--retry-within")] = 20.0
    """seconds for which a call is repeated over a network that fails (default: 20)"""


DEFAULTS = Common()


@Parameter(name="*", group=PAYMENT)
@dataclass(frozen=True)
class Payment:
    """How a transfer is submitted, and how long its outcome is awaited."""

    idempotency_key: Annotated[str | None, Parameter(name="--idempotency-key")] = None
    """the key of an earlier call, to repeat that call: the money moves once (default: a fresh one, printed before the call)"""
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="")] = False
    """do it without asking; needed where no terminal can answer"""
    cents: Annotated[bool, Parameter(name="--cents", negative="")] = False
    """amounts are integers of minor units: 1050 is 10.50 USD"""
    reference: Annotated[str | None, Parameter(name="--reference")] = None
    """your own word for it, such as an invoice's number"""
    metadata: Annotated[tuple[str, ...], Parameter(name="--metadata", consume_multiple=False, negative="")] = ()
    """NAME=VALUE, as often as you like"""
    currency: Annotated[str | None, Parameter(name="--currency")] = None
    """which wallet of a client is meant, where it has several (default: its only one)"""
    callback_url: Annotated[str | None, Parameter(name="--callback-url")] = None
    """a URL that is told of the outcome"""
    apply_within: Annotated[int | None, Parameter(name="--apply-within")] = None
    """seconds after which a transfer that still waits is rejected"""
    wait: Annotated[float, Parameter(name="--wait")] = 30.0
    """seconds for which the outcome is awaited; 0 returns when the transfer is stored (default: 30)"""
    preview: Annotated[bool, Parameter(name="--preview", negative="")] = False
    """show what would become of it now, and store nothing"""


PAYMENT_DEFAULTS = Payment()
