"""The pictures of README and pages, as SVG: docs/life-of-a-transfer.svg and docs/what-runs-where.svg.

Each brings its own background, and its colours for a dark screen, so that it is legible in both. What runs where is taken from
docker-compose.yml where it says so: a service or a network that is not drawn fails.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from tests.system import ROOT

WIDTH = 980
STYLE = """
  .paper { fill: #ffffff } .box { fill: #f1f5f9; stroke: #64748b } .store { fill: #ede9fe; stroke: #7c3aed }
  .hint { fill: #fef3c7; stroke: #b45309 } .zone { fill: none; stroke: #94a3b8; stroke-dasharray: 3 4 }
  .lane { stroke: #cbd5e1 } .way { stroke: #334155; fill: none } .hinted { stroke: #b45309; fill: none; stroke-dasharray: 6 4 }
  .tip { fill: #334155 } .hinted-tip { fill: #b45309 } text { fill: #0f172a } .quiet { fill: #475569 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0f172a } .box { fill: #1e293b; stroke: #94a3b8 } .store { fill: #2e1065; stroke: #a78bfa }
    .hint { fill: #451a03; stroke: #fbbf24 } .zone { stroke: #64748b }
    .lane { stroke: #334155 } .way { stroke: #cbd5e1 } .hinted { stroke: #fbbf24 }
    .tip { fill: #cbd5e1 } .hinted-tip { fill: #fbbf24 } text { fill: #f1f5f9 } .quiet { fill: #cbd5e1 }
  }
"""


class Message(NamedTuple):
    """An arrow from one lane to another, or a note beside a lane when both are the same. A hint may be lost."""

    source: str
    target: str
    text: str
    hint: bool = False


LANES = ("caller", "API", "Postgres", "Redis", "worker", "deliverer", "receiver")
LIFE: Sequence[Message] = (
    Message("caller", "API", "1. POST, with its key"),
    Message("API", "Postgres", "2. INSERT, COMMIT"),
    Message("API", "caller", "3. 202: durable"),
    Message("API", "Redis", "4. job: numbers of shards", hint=True),
    Message("Redis", "worker", "5. the job", hint=True),
    Message("worker", "Postgres", "6. one transaction: lock, decide, write"),
    Message("Postgres", "Postgres", "entries, balances, outcomes, events"),
    Message("worker", "API", "7. outcomes, through Redis", hint=True),
    Message("API", "caller", "8. outcome, to a wait"),
    Message("deliverer", "Postgres", "9. deliveries that are due"),
    Message("deliverer", "receiver", "10. POST, signed"),
    Message("receiver", "deliverer", "11. 2xx, or later"),
)
LIFE_BELOW = (
    "Solid: durable in Postgres before it is answered. Dashed: hints. If one is lost, the sweeper applies the transfer two",
    "to three seconds later, and needs no Redis for it. A caller may also ask: GET the transfer, or follow /v1/events.",
)
LANE_TOP, LANE_STEP, ROW = 70, 144, 34
MARGIN = 54  # left of the first lane


def life() -> str:
    """A transfer from the request to the webhook, as a sequence."""
    bottom = LANE_TOP + ROW * (len(LIFE) + 1)
    return picture(
        bottom + 70,
        "The life of a transfer: stored, answered 202, applied in one transaction, reported",
        [*lanes(bottom), *messages(), *lines(bottom + 28, LIFE_BELOW)],
    )


def lane_x(name: str) -> int:
    return MARGIN + LANE_STEP * LANES.index(name)


def lanes(bottom: int) -> Iterator[str]:
    kinds = {"Postgres": "store", "Redis": "hint"}
    for name in LANES:
        x = lane_x(name)
        yield f'<path class="lane" d="M{x} {LANE_TOP - 20}V{bottom}"/>'
        yield box(x - 46, 18, 92, 34, kinds.get(name, "box"), (name,))


def messages() -> Iterator[str]:
    for number, message in enumerate(LIFE):
        y = LANE_TOP + ROW * (number + 1) - 6
        begin, end = lane_x(message.source), lane_x(message.target)
        if begin == end:
            yield f'<text x="{begin + 10}" y="{y - 7}" class="quiet">{escape(message.text)}</text>'
            continue
        yield arrow(f"M{begin} {y}H{end + (-3 if end > begin else 3)}", hint=message.hint)
        yield f'<text x="{min(begin, end) + 10}" y="{y - 7}">{escape(message.text)}</text>'


class Place(NamedTuple):
    """A box of what runs where. `networks` are those of its service in docker-compose.yml."""

    x: int
    y: int
    kind: str
    lines: Sequence[str]
    networks: Sequence[str] = ()


BOX = (164, 66)
WHERE: Mapping[str, Place] = {
    "callers": Place(20, 120, "box", ("callers", "your programs")),
    "proxy": Place(20, 230, "box", ("proxy with TLS", "yours, faces the", "internet")),
    "api": Place(270, 160, "box", ("api (n)", "port 8000", "as teller_api"), ("inside", "front")),
    "console": Place(270, 260, "box", ("console", "port 8001", "with a person's key"), ("inside", "front")),
    "postgres": Place(500, 110, "store", ("postgres", "port 5432", "all data"), ("inside",)),
    "redis": Place(500, 260, "hint", ("redis", "port 6379", "hints, nothing kept"), ("inside",)),
    "worker": Place(740, 80, "box", ("worker (n)", "moves money", "as teller_worker"), ("inside",)),
    "sweeper": Place(740, 165, "box", ("sweeper", "each second, no Redis", "as teller_worker"), ("inside",)),
    "deliverer": Place(740, 275, "box", ("deliverer (n)", "sends webhooks", "as teller_deliverer"), ("inside", "out")),
    "migrate": Place(270, 60, "box", ("migrate", "once a start", "as the owner"), ("inside",)),
    "backup": Place(270, 352, "box", ("backup, nightly", "pg_dump", "as the owner"), ("inside",)),
    "audit": Place(500, 342, "box", ("audit, nightly", "proves the ledger", "as teller_worker"), ("inside",)),
    "receivers": Place(740, 442, "box", ("receivers", "of webhooks, https")),
}
WAYS = (
    ("M102 186V226", False),  # callers to the proxy
    ("M184 250H226V193H266", False),  # the proxy to the API
    ("M184 276H226V293H266", False),  # the proxy to the console
    ("M352 260V230", False),  # the console to the API
    ("M434 180H466V143H496", False),  # the API to Postgres
    ("M434 206H466V293H496", True),  # the API to Redis
    ("M434 93H582V106", False),  # migrate to Postgres
    ("M740 113H668", False),  # workers to Postgres
    ("M740 198H704V143H668", False),  # the sweeper to Postgres
    ("M740 308H714V160H668", False),  # the deliverer to Postgres
    ("M434 385H480V170H496", False),  # the backup to Postgres
    ("M664 375H681V176H668", False),  # the audit to Postgres
    ("M664 293H692V130H736", True),  # Redis to the workers
    ("M822 341V438", False),  # the deliverer to receivers
)
WHERE_BELOW = (
    "The dashed frame is the inner network: it has no way out, and none leads in but through the ports of API and console, which",
    "this host alone publishes. Only the deliverer reaches the internet. Each process connects as a role that may do its own work",
    "and no more; the console has none, and asks the API.",
)


def where() -> str:
    """The processes, their ports, roles and networks."""
    check_services()
    frame = '<rect class="zone" x="250" y="30" width="672" height="402" rx="14"/>'
    name = '<text x="262" y="50" class="quiet">inner network</text>'
    boxes = [box(place.x, place.y, *BOX, place.kind, place.lines) for place in WHERE.values()]
    ways = [arrow(way, hint=hint) for way, hint in WAYS]
    return picture(
        594, "What runs where: processes, ports, roles and networks", [frame, name, *ways, *boxes, *lines(538, WHERE_BELOW)]
    )


def check_services() -> None:
    """Fail when a service of docker-compose.yml is not drawn, or is on other networks than the picture shows."""
    services: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    drawn = {name: sorted(place.networks) for name, place in WHERE.items() if place.networks}
    assert drawn == {name: sorted(service["networks"]) for name, service in services.items()}


def picture(height: int, title: str, parts: Sequence[str]) -> str:
    body = "\n".join(f"  {part}" for part in parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"
  font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="12.5">
  <title>{escape(title)}</title>
  <style>{STYLE}  </style>
  <defs>
    {marker("tip")}
    {marker("hinted-tip")}
  </defs>
  <rect class="paper" width="{WIDTH}" height="{height}" rx="12"/>
{body}
</svg>
"""


def marker(name: str) -> str:
    tip = f'<path class="{name}" d="M0 0 10 5 0 10z"/>'
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">{tip}</marker>'
    )


def box(x: int, y: int, width: int, height: int, kind: str, texts: Sequence[str]) -> str:
    middle, first = x + width / 2, y + height / 2 + 4.5 - 8 * (len(texts) - 1)
    shape = f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="9" stroke-width="1.5"/>'
    weights = (' font-weight="bold"', *[""] * len(texts))
    rows = [
        f'<text x="{middle:g}" y="{first + 16 * number:g}" text-anchor="middle"{weights[number]}>{escape(text)}</text>'
        for number, text in enumerate(texts)
    ]
    return shape + "".join(rows)


def arrow(way: str, *, hint: bool) -> str:
    name, tip = ("hinted", "hinted-tip") if hint else ("way", "tip")
    return f'<path class="{name}" stroke-width="1.5" marker-end="url(#{tip})" d="{way}"/>'


def lines(y: int, texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f'<text x="24" y="{y + 18 * number}" class="quiet">{escape(text)}</text>'
