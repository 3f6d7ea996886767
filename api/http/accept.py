"""Which of two media types a caller prefers, by its Accept header (RFC 9110, section 12.5.1)."""

import re

from starlette.requests import Request

WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", re.ASCII | re.IGNORECASE)


def prefers_csv(request: Request) -> bool:
    """Return whether the caller gives text/csv a higher weight than JSON. Without the header it is JSON."""
    ranges = [one for header in request.headers.getlist("accept") for one in header.split(",")]
    weights = dict(weighed(one) for one in ranges)
    csv = weight_of("text/csv", weights)
    return csv > 0 and csv > weight_of("application/json", weights)


def weight_of(media_type: str, weights: dict[str, float]) -> float:
    """Return the weight of a media type: that of the most specific range that it is in."""
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((weights[one] for one in ranges if one in weights), 0.0)


def weighed(text: str) -> tuple[str, float]:
    """Return a media range and its weight: 1 unless it says another one."""
    name, *parameters = text.split(";")
    given = [match for parameter in parameters if (match := WEIGHT.fullmatch(parameter))]
    return name.strip().lower(), float(given[0][1]) if given else 1.0
