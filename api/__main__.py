"""`python -m api` runs the API: one process, or several that share a port."""

import argparse
import resource
import signal
import sys
from contextlib import nullcontext

import uvicorn

from api.app import create_app
from api.http.protocol import HttpProtocol
from core import command_line, exposition, failpoint, log, settings

STOP_WITHIN_S = 10  # for requests under way; below the grace period of docker-compose.yml
# The parent of several processes kills and replaces one that does not reply to it for so long. uvicorn's default of 5 s kills a
# process that starts slowly on a busy machine, again and again. The parent handles no signal while it waits, so this is also below
# the grace period.
FROZEN_AFTER_S = 20
LISTEN_BACKLOG = 512  # connections that the kernel accepts ahead; a process may take all of them before it closes one for each
OWN_FILES = 200  # open files of a process beside its callers' connections: to Postgres and Redis, its code, its counters

logger = log.get(__name__)


def main() -> None:
    parser().parse_args()
    # After its shutdown uvicorn raises the signal that stopped it once more. By default that would end the process as if killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    configured = settings.load()
    log.configure(configured.log_level)
    settings.warn_of_unknown()
    failpoint.announce()  # also here: the parent of several processes would start again and again one that refuses to run
    several = configured.api_processes > 1
    with exposition.shared() if several else nullcontext():
        uvicorn.run(
            "api.app:from_environment" if several else create_app(configured),
            factory=several,
            workers=configured.api_processes,
            host=configured.host,
            port=configured.port,
            loop="uvloop",
            http=HttpProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            # A pipelined request would otherwise inherit the deadline of the one before (core/postgres/deadline.py).
            reset_contextvars=True,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            timeout_worker_healthcheck=FROZEN_AFTER_S,
            timeout_keep_alive=configured.keep_alive_s,
            limit_concurrency=allow_connections(configured.connections_max),  # read by HttpProtocol
            backlog=LISTEN_BACKLOG,
        )


def parser() -> argparse.ArgumentParser:
    return command_line.parser("python -m api", "Serve the HTTP API. All that can be set are environment variables.")


def allow_connections(wanted: int) -> int:
    """Raise this process's limit of open files for so many connections, as far as allowed. Return how many the limit allows.

    That is `wanted`, or what is left of a lower limit beside the process's own files; a quarter of the limit if that is more.
    """
    needed = wanted + LISTEN_BACKLOG + OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    possible = max(soft - LISTEN_BACKLOG - OWN_FILES, soft // 4)
    logger.warning("fewer connections than set: the limit of open files is too low", connections=possible, open_files=soft)
    return possible


if __name__ == "__main__":
    main()
