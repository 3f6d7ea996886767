"""The meaning of Redis' errors, in words that logs, metrics and /readyz share: Redis is away, or it answers and refuses."""

from typing import NamedTuple

from redis import exceptions

__all__ = ["FAULTS", "Fault", "fault_of"]


class Fault(NamedTuple):
    """The kind of a fault, in one word, and advice for an operator."""

    kind: str
    advice: str

    @property
    def is_refusal(self) -> bool:
        """Whether Redis answered, and refused the command."""
        return self.kind != "away"


AWAY = Fault("away", "Redis does not answer: look whether it runs, and at the host and port in REDIS_URL")
READ_ONLY = Fault("read_only_replica", "REDIS_URL names a replica: name the primary, or the Sentinels by redis+sentinel://")
CLUSTER = Fault("cluster", "REDIS_URL names a Redis Cluster, which Teller does not support: its keys lie in many slots")
SENTINEL = Fault("sentinel", "REDIS_URL names a Sentinel: write redis+sentinel://HOST:PORT,HOST:PORT/NAME")
NO_MEMORY = Fault("out_of_memory", "Redis has reached its maxmemory: raise it, or take away what does not belong there")
NO_PERMISSION = Fault("no_permission", "the user in REDIS_URL lacks rights: docs/operating/runbook.md lists them")
NO_LOGIN = Fault("wrong_password", "Redis refuses the user name or password in REDIS_URL")
LOADING = Fault("loading", "Redis reads its data set, and answers when it has")
NO_DATABASE = Fault("no_such_database", "the database's number in REDIS_URL is above what Redis is configured with")
NO_DISK = Fault("cannot_save", "Redis cannot save to its disk (stop-writes-on-bgsave-error): Teller needs no saving")
NO_REPLICAS = Fault("too_few_replicas", "Redis has fewer replicas than its min-replicas-to-write")
PROTECTED = Fault("protected_mode", "Redis has no password and refuses other hosts (protected-mode): set one")
NO_PLACE = Fault("too_many_clients", "Redis has as many connections as its maxclients allows")
NO_COMMAND = Fault("unknown_command", "Redis does not know a command: Teller needs Redis 6.2 or later, or Valkey, unrenamed")
WRONG_TYPE = Fault("wrong_type", "a key of Teller's was written by something else; it is deleted")
MALFORMED = Fault("malformed_reply", "what answers at REDIS_URL is no Redis, or a value of Teller's keys is too large")
OTHER = Fault("other", "Redis refuses for a reason of its own: ask it by redis-cli")

FAULTS = (
    *(AWAY, READ_ONLY, CLUSTER, SENTINEL, NO_MEMORY, NO_PERMISSION, NO_LOGIN, LOADING, NO_DATABASE, NO_DISK, NO_REPLICAS),
    *(PROTECTED, NO_PLACE, NO_COMMAND, WRONG_TYPE, MALFORMED, OTHER),
)

# Compared before the texts.
CLASSES: tuple[tuple[tuple[type[Exception], ...], Fault], ...] = (
    ((exceptions.ReadOnlyError, exceptions.MasterDownError), READ_ONLY),  # the second is a ClusterDownError too
    (
        (
            exceptions.AskError,
            exceptions.MovedError,
            exceptions.ClusterDownError,
            exceptions.ClusterCrossSlotError,
            exceptions.TryAgainError,
        ),
        CLUSTER,
    ),
    ((exceptions.OutOfMemoryError,), NO_MEMORY),
    ((exceptions.NoPermissionError,), NO_PERMISSION),
    ((exceptions.BusyLoadingError,), LOADING),
)

# Texts of Redis, or of redis-py, for faults without a class of their own. Lower case.
TEXTS = (
    ("previous master is now a slave", READ_ONLY),
    ("can't write against a read only replica", READ_ONLY),
    ("crossslot", CLUSTER),
    ("cluster", CLUSTER),
    ("command not allowed when used memory", NO_MEMORY),
    ("noperm", NO_PERMISSION),
    ("no permission", NO_PERMISSION),
    ("user executing the script can't run", NO_PERMISSION),
    ("exec without multi", NO_PERMISSION),
    ("protected mode", PROTECTED),
    ("invalid database", NO_DATABASE),
    ("db index is out of range", NO_DATABASE),
    ("misconf", NO_DISK),
    ("noreplicas", NO_REPLICAS),
    ("max number of clients", NO_PLACE),
    ("wrongtype", WRONG_TYPE),
)


def fault_of(error: Exception) -> Fault:
    """Return the fault of the error. For NO_COMMAND, Hints then asks whether it is a Sentinel, which lacks most commands."""
    for classes, fault in CLASSES:
        if isinstance(error, classes):
            return fault
    text = str(error).lower()
    for part, fault in TEXTS:
        if part in text:
            return fault
    if isinstance(error, exceptions.AuthenticationError):
        return NO_LOGIN
    if isinstance(error, exceptions.InvalidResponse) or not isinstance(error, exceptions.RedisError | OSError):
        return MALFORMED
    if "unknown command" in text:
        return NO_COMMAND
    return AWAY if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError) else OTHER
