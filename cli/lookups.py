"""From what a person has at hand to the thing: an id, the caller's own id of a client, a reference, or an idempotency key."""

from typing import Any

from cli.amounts import money_in
from cli.exits import Cannot
from cli.session import Json, Session, is_id

SHOWN_MAX = 5


def client_of(session: Session, text: str) -> Json:
    """Return the client with this id or external id. Raises Cannot when there is none."""
    if is_id(text, "cli"):
        client: Json = session.get(f"/v1/clients/{text}")
        return client
    found = session.found("/v1/clients", external_id=text)
    if not found:
        raise Cannot(f"no client has the id or the external id {text!r}; `teller find` looks further")
    return found[0]


def wallet_of(session: Session, text: str, currency: str | None = None) -> Json:
    """Return the wallet with this id, or the wallet of the client with this id or external id.

    Raises Cannot when there is none, or when the client has several and `currency` does not say which.
    """
    if is_id(text, "wal"):
        wallet: Json = session.get(f"/v1/wallets/{text}")
        return wallet
    client = client_of(session, text)
    wallets = client["wallets"]
    chosen = [wallet for wallet in wallets if currency in {None, wallet["currency"]}]
    if len(chosen) == 1:
        return chosen[0]  # type: ignore[no-any-return]
    held = ", ".join(wallet["currency"] for wallet in wallets)
    if not chosen:
        raise Cannot(f"{client['name']} has no wallet in {currency}, but in {held}")
    raise Cannot(f"{client['name']} has wallets in {held}: say which, with --currency or by the wallet's id")


def transfer_of(session: Session, text: str) -> Json:
    """Return the transfer with this id, reference or idempotency key. Raises Cannot for none, and for several."""
    if is_id(text, "trf"):
        transfer: Json = session.get(f"/v1/transfers/{text}")
        return transfer
    found = {each["id"]: each for each in transfers_known_as(session, text)}
    if not found:
        raise Cannot(f"no transfer has the id, the reference or the idempotency key {text!r}")
    if len(found) > 1:
        raise Cannot(f"several transfers have {text!r}: name one by its id: {', '.join(map(described, found.values()))}")
    return next(iter(found.values()))


def transfers_known_as(session: Session, text: str) -> list[Json]:
    """Return the first transfers with this reference or idempotency key: of all callers, or of the key's client."""
    from teller_client import Forbidden

    try:
        found: list[Json] = session.get("/v1/search", q=text)["transfers"]
    except Forbidden:  # a client's key: it lists the transfers of its own wallets
        return [each for name in ("reference", "idempotency_key") for each in transfers_with(session, name, text)]
    return found


def transfers_with(session: Session, name: str, text: str) -> list[Json]:
    """Return the first transfers with this value; none where the value is not one that the API takes."""
    from teller_client import ApiError

    try:
        return session.found("/v1/transfers", limit=SHOWN_MAX, **{name: text})
    except ApiError as error:
        if error.status == 400:
            return []
        raise


def described(transfer: Json) -> str:
    amount = money_in(transfer["amount"], transfer["currency"])
    return f"{transfer['id']} ({transfer['type']} of {amount}, {transfer['status']})"


def owner_of(session: Session, wallet: Json) -> Json | None:
    """Return the client of a wallet; None where the key may not see it, and for an external wallet."""
    from teller_client import ApiError

    if not wallet.get("client_id"):
        return None
    try:
        client: Json = session.get(f"/v1/clients/{wallet['client_id']}")
    except ApiError:
        return None
    return client


def named(client: Any, wallet_id: str) -> str:
    """Return a wallet in words: its client's name and external id, and its own id."""
    if client is None:
        return wallet_id
    external = f"{client['external_id']}, " if client.get("external_id") else ""
    return f"{client['name']} ({external}{wallet_id})"
