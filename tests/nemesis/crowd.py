"""The clients of a trial, and the calls that each of them repeats."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import aiohttp

from core.currencies import USD
from tests.nemesis import verbs
from tests.nemesis.client import ANSWER_WITHIN_S, Client, Gate, fields_of, item_of
from tests.nemesis.history import Asked, History, Overdraft

CURRENCIES = (USD, "JPY", "BHD")  # of two digits, none, and three
POOL = 8  # wallets of each currency that all use
POOL_FUNDS = 2_000
CHAIN_FUNDS = 1_000_000
CHAINS = 3
GAMBLERS = 4
READERS = 2
DEPOSIT_MAX = 200
AMOUNT_MAX = 600  # with few funds: many are rejected
SAME_KEY_CONNECTIONS = 5
BATCH_MAX = 60
OVERDRAFT_FUNDS = 20
RECENT = 200  # what readers look at

Act = Callable[[], Awaitable[None]]


class Crowd:
    """Clients that run until they are stopped; each still finds out the outcome of its last request."""

    def __init__(self, urls: Sequence[str], history: History, gate: Gate, seed: int) -> None:
        self._urls = urls
        self._history = history
        self._gate = gate
        self._seed = seed
        self._numbers = itertools.count()
        self._is_ending = False
        self._session: aiohttp.ClientSession | None = None
        self._acting: list[asyncio.Task[None]] = []
        self._pools: list[list[str]] = []  # by currency, USD first

    async def begin(self) -> None:
        """Make the wallets, then begin."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        client = self._client()
        self._pools = await self._new_pools(client)
        self._history.pools = self._pools
        acts = [await self._chain() for _ in range(CHAINS)]
        acts += [self._gamble(self._client()) for _ in range(GAMBLERS)]
        acts += [self._read(self._client()) for _ in range(READERS)]
        acts += [act(self._client()) for act in (self._batch, self._deposit, self._same_key, self._other_request)]
        acts += [act(self._client()) for act in (self._overdraw, self._mix)]
        acts += [self._wait(self._client()), self._follow(self._client())]
        acts += [partial(story, self._client(), pool) for story, pool in zip(verbs.STORIES, itertools.cycle(self._pools))]
        acts += [partial(story, self._client(), self._pools[0]) for story in verbs.STORIES_IN_USD]
        self._acting = [asyncio.create_task(self._repeat(act)) for act in acts]

    async def end(self) -> None:
        """Return when all clients know the outcome of all their requests. Raises the error that stopped a client before."""
        self._is_ending = True
        await asyncio.gather(*self._acting)

    async def close(self) -> None:
        for task in self._acting:
            task.cancel()
        await asyncio.gather(*self._acting, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def client(self) -> Client:
        """One more client, for requests of other parts of the trial."""
        return self._client()

    def _client(self) -> Client:
        assert self._session is not None
        dice = random.Random(f"{self._seed}-{next(self._numbers)}")
        return Client(self._urls, self._history, self._gate, self._session, dice)

    async def _repeat(self, act: Act) -> None:
        while not self._is_ending:
            await act()

    async def _chain(self) -> Act:
        """Each transfer is sent after the one before was accepted, by the owner of the wallet. Promise 12 gives them that order."""
        operator = self._client()
        made = await operator.insist("POST", "/v1/clients", {"name": "Chain"})
        wallet = made.body["wallet"]["id"]
        await operator.read_final((await operator.deposit(wallet, CHAIN_FUNDS))["id"])
        key = await operator.insist("POST", f"/v1/clients/{made.body['id']}/keys")
        client = operator.with_key(key.body["key"])
        links = self._history.chains.setdefault(wallet, [])

        async def act() -> None:
            link = Asked(client.new_key(), wallet, client.dice.choice(self._pools[0]), client.dice.randint(1, 9))
            links.append(link.key)
            await client.send(self._history.ask(link))
            await client.pause()

        return act

    async def _new_pools(self, client: Client) -> list[list[str]]:
        """Clients with a wallet of each currency, of which the first is made with the client; once their funds are there."""
        made = [await client.insist("POST", "/v1/clients", {"name": "Ada"}, key=client.new_key()) for _ in range(POOL)]
        pools = [[answer.body["wallet"]["id"] for answer in made]]
        for currency in CURRENCIES[1:]:
            paths = [f"/v1/clients/{answer.body['id']}/wallets" for answer in made]
            answers = [await client.insist("POST", path, {"currency": currency}, key=client.new_key()) for path in paths]
            pools.append([answer.body["id"] for answer in answers])
            self._history.currencies |= dict.fromkeys(pools[-1], currency)
        deposits = [await client.deposit(wallet, POOL_FUNDS) for pool in pools for wallet in pool]
        for deposited in deposits:
            await client.read_final(deposited["id"])
        return pools

    def _pool(self, client: Client) -> list[str]:
        """Wallets of one currency."""
        return client.dice.choice(self._pools)

    def _gamble(self, client: Client) -> Act:
        async def act() -> None:
            source, destination = client.dice.sample(self._pool(client), 2)
            await client.transfer(source, destination, client.dice.randint(1, AMOUNT_MAX))
            await client.pause()

        return act

    def _deposit(self, client: Client) -> Act:
        async def act() -> None:
            await client.deposit(client.dice.choice(self._pool(client)), client.dice.randint(1, DEPOSIT_MAX))
            await client.pause()

        return act

    def _wait(self, client: Client) -> Act:
        async def act() -> None:
            source, destination = client.dice.sample(self._pool(client), 2)
            await client.transfer(source, destination, client.dice.randint(1, AMOUNT_MAX), prefer="wait=2")

        return act

    def _same_key(self, client: Client) -> Act:
        """One request over several connections at once, to all APIs."""

        async def act() -> None:
            source, destination = client.dice.sample(self._pool(client), 2)
            asked = self._history.ask(Asked(client.new_key(), source, destination, client.dice.randint(1, AMOUNT_MAX)))
            await asyncio.gather(*(client.send(asked) for _ in range(SAME_KEY_CONNECTIONS)))
            await client.pause()

        return act

    def _other_request(self, client: Client) -> Act:
        """A key that is used again for another request: it is refused and changes nothing, which the verdict checks."""

        async def act() -> None:
            source, destination = client.dice.sample(self._pool(client), 2)
            asked = self._history.ask(Asked(client.new_key(), source, destination, client.dice.randint(1, AMOUNT_MAX)))
            await client.send(asked)
            other = {**fields_of(asked), "amount": AMOUNT_MAX + 1}
            answer = await client.insist("POST", "/v1/transfers", other, key=asked.key, refusal=422)
            if answer.status != 422 or answer.body["code"] != "idempotency_key_reused":
                self._history.complain(f"another request with the key {asked.key}: {answer.status} {answer.body}")
            await client.pause()

        return act

    def _mix(self, client: Client) -> Act:
        """A transfer between two currencies, or of cents from a wallet of another: it is refused and stores nothing."""

        async def act() -> None:
            one, other = client.dice.sample(self._pools, 2)
            wallets = {"source_wallet_id": client.dice.choice(one), "destination_wallet_id": client.dice.choice(other)}
            currency = client.dice.choice(CURRENCIES)
            asked = {**wallets, "amount": 1, "currency": currency}
            answer = await client.insist("POST", "/v1/transfers", asked, key=client.new_key(), refusal=422)
            if answer.status != 422 or answer.body["errors"][0]["code"] != "currency_mismatch":
                self._history.complain(f"a transfer between two currencies: {answer.status} {answer.body}")
            await client.pause()

        return act

    def _batch(self, client: Client) -> Act:
        """Many in one request, the first of them twice, and some of each verb that names no parent."""

        async def act() -> None:
            items = []
            for _ in range(client.dice.randint(1, BATCH_MAX)):
                source, destination = client.dice.sample(self._pool(client), 2)
                items.append(self._history.ask(Asked(client.new_key(), source, destination, client.dice.randint(1, AMOUNT_MAX))))
            items += [self._history.ask(item) for item in verbs.items(client, self._pool(client))]
            items.append(items[0])
            answer = await client.insist("POST", "/v1/transfers/batch", {"transfers": [item_of(item) for item in items]})
            for item, result in zip(items, answer.body["results"], strict=True):
                if "transfer" in result:
                    self._history.answer(item, result["status"], result["transfer"], answer.sent_at)
                else:
                    self._history.complain(f"an item of a batch: {result}")
            await asyncio.sleep(client.dice.uniform(0.2, 1.0))

        return act

    def _overdraw(self, client: Client) -> Act:
        """A new wallet, with funds for half of the debits that are then sent at once."""

        async def act() -> None:
            wallet = await new_wallet(client, OVERDRAFT_FUNDS)
            overdraft = Overdraft(OVERDRAFT_FUNDS)
            self._history.overdrafts.append(overdraft)
            asked = [
                self._history.ask(Asked(client.new_key(), wallet, client.dice.choice(self._pools[0]), 1))
                for _ in range(2 * OVERDRAFT_FUNDS)
            ]
            overdraft.keys = [one.key for one in asked]
            await asyncio.gather(*(client.send(one) for one in asked))
            await asyncio.sleep(client.dice.uniform(0.2, 1.0))

        return act

    def _read(self, client: Client) -> Act:
        """Read transfers of other clients; once one is applied, every process shows it in its wallet (promise 14)."""

        async def act() -> None:
            await client.pause()
            recent = list(itertools.islice(reversed(self._history.asked.values()), RECENT))
            known = [asked.id for asked in recent if asked.id]
            if not known:
                return
            view = await client.read(client.dice.choice(known))
            for entry in view["entries"][:1]:
                if view["source_wallet_id"] is None:
                    continue
                wallet = (await client.insist("GET", f"/v1/wallets/{entry['wallet_id']}")).body
                if wallet["available"] != wallet["balance"] - wallet["held"] or min(wallet["available"], wallet["held"]) < 0:
                    self._history.complain(f"a wallet has more reserved than it has: {wallet}")
                if wallet["version"] < entry["version"]:
                    self._history.complain(f"{view['id']} is applied and its wallet does not show it: {entry}, {wallet}")

        return act

    def _follow(self, client: Client) -> Act:
        async def act() -> None:
            if not await follow(client):
                await asyncio.sleep(0.1)

        return act


async def new_wallet(client: Client, funds: int) -> str:
    """Return the wallet of a new client, once its funds are there."""
    made = await client.insist("POST", "/v1/clients", {"name": "Ada"}, key=client.new_key())
    wallet: str = made.body["wallet"]["id"]
    await client.read_final((await client.deposit(wallet, funds))["id"])
    return wallet


async def follow(client: Client) -> bool:
    """Read the next page of the feed; return whether there are more."""
    followed = client.history.followed
    after = f"&after=evt_{followed[-1].removeprefix('trf_')}" if followed else ""
    page = await client.insist("GET", f"/v1/events?limit=100{after}")
    for event in page.body["data"]:
        client.history.read(event["data"], page.sent_at)
        followed.append(event["data"]["id"])
    return bool(page.body["has_more"])
