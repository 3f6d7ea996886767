"""Ids in addresses."""

import re

from console.api import Refused
from console.visit import Visit

ID = re.compile(r"[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")


def need(prefix: str, visit: Visit) -> str:
    """Return the id of the address, which is then safe in a path of the API. Raises Refused with 404 for any other text."""
    return checked(prefix, str(visit.request.path_params["id"]))


def checked(prefix: str, id: str) -> str:
    if not ID.fullmatch(id) or not id.startswith(f"{prefix}_"):
        raise Refused(404, {})
    return id
