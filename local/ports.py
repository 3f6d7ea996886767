"""Free and taken ports of this machine's loopback interface."""

import random
import socket

# Below the ports that systems hand out for outgoing connections (from 32768 on Linux): a client that keeps trying to reconnect to a
# stopped server could otherwise be given the server's own port, and keep it.
PORTS = range(20_000, 32_768)


def free_port() -> int:
    """Return a port that was free a moment ago; somebody else may still be quicker."""
    while is_taken(port := random.choice(PORTS)):  # noqa: S311 - not a secret
        pass
    return port


def is_taken(port: int) -> bool:
    """Whether a server could not listen on 127.0.0.1 at this port now."""
    return errno_of(port) is not None


def errno_of(port: int) -> int | None:
    """Why a server could not listen on 127.0.0.1 at this port now; None when it could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections don't count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno
        return None
