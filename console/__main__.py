"""`python -m console` serves the console."""

import argparse
import signal
import sys

import uvicorn

from console import settings
from console.app import create_app
from core import command_line, log
from core.settings import warn_of_unknown

STOP_WITHIN_S = 10  # for requests under way


def main() -> None:
    parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal that stopped it once more
    configured = settings.load()
    log.configure(configured.log_level)
    warn_of_unknown()
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


def parser() -> argparse.ArgumentParser:
    return command_line.parser("python -m console", "Serve the console. All that can be set are environment variables.")


if __name__ == "__main__":
    main()
