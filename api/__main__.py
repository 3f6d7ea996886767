"""python -m api"""

import signal
import sys
from contextlib import nullcontext

import uvicorn

from api.app import create_app
from api.protocol import DoorProtocol
from core import failpoint, log, metrics, settings

STOP_WITHIN_S = 10  # for requests under way; below the grace period of docker-compose.yml
# A process of several that does not answer its parent for so long is killed and replaced. uvicorn's default of 5 s kills one that
# starts slowly on a busy machine, again and again. While the parent waits it handles no signal: below the grace period as well.
FROZEN_AFTER_S = 20


def main() -> None:
    # uvicorn raises the signal that stopped it once more when all is done; by default that would look like a violent end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    configured = settings.load()
    log.configure(configured.log_level)
    failpoint.announce()  # here as well: the parent of several would start a process that refuses again and again
    several = configured.api_processes > 1
    with metrics.shared() if several else nullcontext():
        uvicorn.run(
            "api.app:from_environment" if several else create_app(configured),
            factory=several,
            workers=configured.api_processes,
            host=configured.host,
            port=configured.port,
            loop="uvloop",
            http=DoorProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            reset_contextvars=True,  # else a pipelined request inherits the clock of the one before (core/db.py)
            timeout_graceful_shutdown=STOP_WITHIN_S,
            timeout_worker_healthcheck=FROZEN_AFTER_S,
        )


if __name__ == "__main__":
    main()
