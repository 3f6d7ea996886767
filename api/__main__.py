"""python -m api"""

import resource
import signal
import sys
from contextlib import nullcontext

import uvicorn

from api.app import create_app
from api.http.protocol import DoorProtocol
from core import exposition, failpoint, log, settings

STOP_WITHIN_S = 10  # for requests under way; below the grace period of docker-compose.yml
# A process of several that does not answer its parent for so long is killed and replaced. uvicorn's default of 5 s kills one that
# starts slowly on a busy machine, again and again. While the parent waits it handles no signal: below the grace period as well.
FROZEN_AFTER_S = 20


BACKLOG = 512  # connections that the kernel keeps ready; all of them may be accepted before the first is closed for them
OWN_FILES = 200  # that a process needs beside its callers' connections: to Postgres and Redis, its code, its counters

logger = log.get(__name__)


def main() -> None:
    # uvicorn raises the signal that stopped it once more when all is done; by default that would look like a violent end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    configured = settings.load()
    log.configure(configured.log_level)
    failpoint.announce()  # here as well: the parent of several would start a process that refuses again and again
    several = configured.api_processes > 1
    with exposition.shared() if several else nullcontext():
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
            reset_contextvars=True,  # else a pipelined request inherits the deadline of the one before
            timeout_graceful_shutdown=STOP_WITHIN_S,
            timeout_worker_healthcheck=FROZEN_AFTER_S,
            timeout_keep_alive=configured.keep_alive_s,
            limit_concurrency=allow_connections(configured.connections_max),  # read by DoorProtocol
            backlog=BACKLOG,
        )


def allow_connections(wanted: int) -> int:
    """Raise this process's limit of open files for so many connections, as far as allowed. Return for how many it suffices."""
    needed = wanted + BACKLOG + OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    possible = max(soft - BACKLOG - OWN_FILES, soft // 4)
    logger.warning("fewer connections than set: the limit of open files is too low", connections=possible, open_files=soft)
    return possible


if __name__ == "__main__":
    main()
