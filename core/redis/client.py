"""Makes clients from a URL: of one Redis, or of the primary that Sentinels name, all with the same bounds.

No client repeats a command: after a lost reply, redis-py's default client pushed a job twice, and its retries took 59 s while
packets were dropped. Each reply is bounded: see core/redis/replies.py.
"""

import asyncio
from typing import Any

import redis
import redis.asyncio
from redis.asyncio import sentinel as async_sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from core import server_urls
from core.redis.replies import AsyncBoundedParser, BoundedParser
from core.server_urls import RedisAddress

__all__ = ["async_client", "client"]

Options = dict[str, Any]

CONNECT_TIMEOUT_S = 0.5  # for each host; also for the answer of a Sentinel


def client(url: str, timeout_s: float) -> redis.Redis:
    """Return a client, which connects with its first command. A reply may take `timeout_s`. Raises ValueError for a bad URL."""
    address = server_urls.parse_redis(url)
    common: Options = {"parser_class": BoundedParser, "retry": Retry(NoBackoff(), 0)}
    options: Options = {**common, **credentials_of(address), **timeouts(timeout_s)}
    connection_class = class_of(address, redis)
    if address.service is None:
        return redis.Redis.from_pool(redis.ConnectionPool(connection_class, **location(address), **options))
    sentinel = Sentinel([], sentinel_kwargs={}, **options)  # type: ignore[no-untyped-call]
    sentinel.sentinels = [
        redis.Redis.from_pool(redis.ConnectionPool(connection_class, **common, **one)) for one in sentinel_options(address)
    ]
    pool = PrimaryPool(address.service, sentinel, ssl=address.is_tls, **options)  # type: ignore[no-untyped-call]
    return redis.Redis.from_pool(pool)


def async_client(url: str, timeout_s: float) -> "redis.asyncio.Redis":
    """As client, for asyncio."""
    address = server_urls.parse_redis(url)
    common: Options = {"parser_class": AsyncBoundedParser, "retry": AsyncRetry(NoBackoff(), 0)}
    options: Options = {**common, **credentials_of(address), **timeouts(timeout_s)}
    connection_class = class_of(address, redis.asyncio)
    if address.service is None:
        return redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool(connection_class, **location(address), **options))
    sentinel = async_sentinel.Sentinel([], sentinel_kwargs={}, **options)  # type: ignore[no-untyped-call]
    sentinel.sentinels = [
        redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool(connection_class, **common, **one))
        for one in sentinel_options(address)
    ]
    pool = AsyncPrimaryPool(address.service, sentinel, ssl=address.is_tls, **options)  # type: ignore[no-untyped-call]
    return redis.asyncio.Redis.from_pool(pool)


class PrimaryPool(SentinelConnectionPool):
    """Connections to the primary. Disconnecting also closes those to the Sentinels, which redis-py leaves open."""

    def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002  # redis-py's signature
        super().disconnect(inuse_connections)
        if inuse_connections:
            self.sentinel_manager.close()


class AsyncPrimaryPool(async_sentinel.SentinelConnectionPool):
    """As PrimaryPool, for asyncio."""

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await asyncio.gather(*(sentinel.aclose() for sentinel in self.sentinel_manager.sentinels))


def credentials_of(address: RedisAddress) -> Options:
    tls: Options = {name: value for name, value in address.options.items() if name.startswith("ssl_")}
    if "ssl_check_hostname" in tls:
        tls["ssl_check_hostname"] = tls["ssl_check_hostname"].lower() in ("1", "true", "yes")
    return {"username": address.username, "password": address.password, "db": address.database, "protocol": 2, **tls}


def location(address: RedisAddress) -> Options:
    if address.socket is not None:
        return {"path": address.socket}
    [(host, port)] = address.hosts
    return {"host": host, "port": port}


def sentinel_options(address: RedisAddress) -> list[Options]:
    """Return the options for each Sentinel: its own credentials, if any, and the same TLS."""
    own = {
        "username": address.options.get("sentinel_username"),
        "password": address.options.get("sentinel_password"),
        "db": 0,
    }
    options: Options = {**credentials_of(address), **own, **timeouts(CONNECT_TIMEOUT_S)}
    return [{"host": host, "port": port, **options} for host, port in address.hosts]


def timeouts(timeout_s: float) -> Options:
    return {"socket_timeout": timeout_s, "socket_connect_timeout": min(timeout_s, CONNECT_TIMEOUT_S)}


def class_of(address: RedisAddress, library: Any) -> Any:
    """Return the class of connections; `library` is redis or redis.asyncio."""
    if address.socket is not None:
        return library.UnixDomainSocketConnection
    return library.SSLConnection if address.is_tls else library.Connection
