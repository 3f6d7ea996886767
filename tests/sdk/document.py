"""The OpenAPI document that the SDKs are generated from. `python -m tests.sdk.document` prints it."""

import json
from typing import Any

from api.app import create_api, describe
from core.settings import Settings

NOWHERE = "postgresql://127.0.0.1/"  # nothing connects before the API is started


def openapi() -> dict[str, Any]:
    return describe(create_api(Settings.model_validate({"DATABASE_URL": NOWHERE})))


if __name__ == "__main__":
    print(json.dumps(openapi(), indent=2))
