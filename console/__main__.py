"""`python -m console` serves the console."""

import signal
import sys

import uvicorn

from console import settings
from console.app import create_app
from core import log

STOP_WITHIN_S = 10  # for requests under way


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal that stopped it once more
    configured = settings.load()
    log.configure(configured.log_level)
    uvicorn.run(
        create_app(configured),
        host=configured.host,
        port=configured.port,
        loop="uvloop",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )


if __name__ == "__main__":
    main()
