"""The console on a database full of finished transfers: the time of each screen, and what open overviews cost other callers."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import CREATED, SEE_OTHER
from threading import Event

import httpx

from bench.conditions import fill
from bench.errors import UnexpectedAnswer
from bench.figures import Figure, Result, Target
from bench.latency import Latencies, of_teller
from bench.session import Session
from bench.system import OwnSystem

LOOKS = 40  # of each screen
WARM_LOOKS = 3  # not measured: the first look learns names
SCREEN = Target(100.0, 50.0, at_most=True)
BESIDE = Target(1.5, 1.1, at_most=True)
SHARED = ("overview", "queue", "health")  # the console or the API answers these from reads that are up to a second old
SHARED_FOR_S = 1.05
SHARED_LOOKS = 20
PEOPLE = 10
ROUNDS = 3  # the p99 of one round of 500 transfers is that of five of them
POLL_EVERY_S = 2.0
PER_S = 50  # single transfers: far below what the machine can do, so that their latency is their own


def measure_console(session: Session) -> Result:
    """each screen of the console after a million transfers, and a single POST beside ten open overviews"""
    plan = session.plan
    with session.own_system() as system:
        wallets = fill(session, system)
        url = system.start_console()
        with logged_in(url, system.operator_key) as console:
            screens = {name: of_screen(console, path, name) for name, path in paths(system, wallets[0]).items()}
        alone, beside = in_turn(session, system, url, wallets)
    return Result(figures(screens, alone, beside, plan.stock_transfers), {"beside": beside.curve(), "alone": alone.curve()})


def in_turn(session: Session, system: OwnSystem, url: str, wallets: Sequence[str]) -> tuple[Latencies, Latencies]:
    """Return the latencies of single transfers alone and beside open overviews, of ROUNDS rounds of each in turn."""
    alone, beside = Latencies([]), Latencies([])
    viewer_keys = make_viewer_keys(system)
    for _ in range(ROUNDS):
        alone += of_teller(system, wallets, session.plan.latency_s, PER_S)
        with watching(url, viewer_keys):
            beside += of_teller(system, wallets, session.plan.latency_s, PER_S)
    return alone, beside


def figures(screens: Mapping[str, Latencies], alone: Latencies, beside: Latencies, stock: int) -> list[Figure]:
    ms = beside.percentile(99)
    what = f"submit to final beside {PEOPLE} open overviews, p99"
    return [
        *(
            Figure(f"console_{name}", f"console: {name}, {stock:,} transfers, p95", taken.percentile(95), "ms", target=SCREEN)
            for name, taken in screens.items()
        ),
        Figure("console_beside", what, ms, "ms", ms / alone.percentile(99), "without", target=BESIDE),
    ]


def paths(system: OwnSystem, wallet: str) -> Mapping[str, str]:
    """Return the screens: the lists, and the page of one of each that is in them."""
    with httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {system.operator_key}"}) as api:
        client = api.get(f"/v1/wallets/{wallet}").json()["client_id"]
        transfer = api.get("/v1/transfers", params={"limit": 1}).json()["data"][0]["id"]
    return {
        "overview": "/",
        "transfers": "/transfers",
        "rejected transfers": "/transfers?status=rejected",
        "transfer": f"/transfers/{transfer}",
        "clients": "/clients",
        "client": f"/clients/{client}",
        "wallet": f"/wallets/{wallet}",
        "search": f"/search?q={transfer[:-1]}",
        "queue": "/queue",
        "webhooks": "/webhooks",
        "keys": "/keys",
        "health": "/health",
        "form": f"/do/deposit/{wallet}",
    }


@contextmanager
def logged_in(url: str, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        if client.post("/login", data={"key": key}).status_code != SEE_OTHER:
            raise UnexpectedAnswer("the console refused the operator's key")
        yield client


def of_screen(console: httpx.Client, path: str, name: str) -> Latencies:
    """Look at the screen again and again; a look is the time from the request to the whole page.

    A look at a screen of SHARED waits until the answers that the last one has shared are too old.
    """
    taken = []
    for _ in range(WARM_LOOKS + (SHARED_LOOKS if name in SHARED else LOOKS)):
        time.sleep(SHARED_FOR_S if name in SHARED else 0)
        began = time.monotonic()
        answer = console.get(path)
        taken.append((time.monotonic() - began) * 1000)
        if answer.status_code != 200:
            raise UnexpectedAnswer(f"{path} was answered {answer.status_code}")
    return Latencies(sorted(taken[WARM_LOOKS:]))


def make_viewer_keys(system: OwnSystem) -> list[str]:
    """Make a key for each of PEOPLE: pages of one key share what the console asks the API."""
    with httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {system.operator_key}"}) as api:
        answers = [api.post("/v1/keys", json={"role": "viewer", "name": f"viewer {number}"}) for number in range(PEOPLE)]
    if any(answer.status_code != CREATED for answer in answers):
        raise UnexpectedAnswer("the API made no key for a viewer")
    return [answer.json()["key"] for answer in answers]


@contextmanager
def watching(url: str, keys: Sequence[str]) -> Iterator[None]:
    """Keep overviews open, each with a key and a login of its own."""
    ended = Event()
    with ThreadPoolExecutor(1) as pool:
        people = pool.submit(lambda: asyncio.run(watch(url, keys, ended)))
        try:
            yield
        finally:
            ended.set()
        people.result()


async def watch(url: str, keys: Sequence[str], ended: Event) -> None:
    await asyncio.gather(*(look(url, key, number, ended) for number, key in enumerate(keys)))


async def look(url: str, key: str, number: int, ended: Event) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30) as console:
        if (await console.post("/login", data={"key": key})).status_code != SEE_OTHER:
            raise UnexpectedAnswer("the console refused a viewer's key")
        await asyncio.sleep(POLL_EVERY_S * number / PEOPLE)
        while not ended.is_set():
            with suppress(httpx.TransportError):
                await console.get("/", headers={"X-Poll": "1"})
            await asyncio.sleep(POLL_EVERY_S)
