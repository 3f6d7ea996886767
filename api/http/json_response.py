"""JSON responses of the hot routes."""

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response

TYPE = (b"content-type", b"application/json")


class Json(Response):
    """A JSON response, rendered several times as fast as Starlette's JSONResponse.

    `content` holds JSON types alone, or is the JSON itself: bytes.
    """

    def __init__(self, content: object, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        # Instead of Response.__init__, which takes longer to look for a media type and a length among the headers.
        self.status_code = status_code
        self.background = None
        self.body = content if isinstance(content, bytes) else to_json(content)
        given = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
        self.raw_headers = [*given, (b"content-length", b"%d" % len(self.body)), TYPE]
