"""What the document says of the whole API: version, licence, servers, the key, and its tags in the order in which they are read."""

from collections.abc import Mapping

from api.document.nodes import Json, operations

API_VERSION = "v1"  # of the contract, as in the paths; the version of the program is core/version.py

# In the order in which a reader meets them.
TAGS: Mapping[str, str] = {
    "clients": "A client owns wallets, one a currency. Begin here.",
    "wallets": "A wallet holds money of one currency: its balance, entries, statements, limits.",
    "transfers": "Every movement of money is a transfer: it is queued, then applied or rejected, once and for ever.",
    "search": "One search over everything that has an id, a key or a reference.",
    "events": "The feed of what became final, in one fixed order: for callers that poll.",
    "webhooks": "Endpoints that receive events, the secrets that sign, and each delivery with its attempts.",
    "keys": "API keys of operators and clients.",
    "ops": "What operators watch: the queue, the processes, the database, the settings.",
    "system": "Health, metrics and the meaning of each code. These need no key.",
}

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of Teller: `Authorization: Bearer tlr_…`. An operator makes the keys of clients.",
}


def describe_whole(document: Json) -> None:
    """Complete `info`, and add servers, security and tags."""
    document["info"] |= {"license": {"name": "MIT", "identifier": "MIT"}, "x-api-version": API_VERSION}
    document["servers"] = [{"url": "/"}]
    document["components"]["securitySchemes"] = {"bearerAuth": BEARER}
    for _, path, operation in operations(document):
        operation["security"] = [{"bearerAuth": []}] if path.startswith("/v1/") else []
    used = dict.fromkeys(tag for _, _, operation in operations(document) for tag in operation["tags"])
    known = {tag: {"name": tag, "description": text} for tag, text in TAGS.items() if tag in used}
    document["tags"] = [*known.values(), *({"name": tag} for tag in used if tag not in known)]
