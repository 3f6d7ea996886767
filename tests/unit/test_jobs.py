"""The queue may call the names in worker/jobs.py and nothing else, whatever is written into Redis."""

import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from redis import Redis
from rq import Callback
from rq.job import Job

from core.redis.jobs import APPLY, SERIALIZER
from worker.jobs import DATA_MAX_BYTES, Refused, call_in, job_class, shards_among

UNUSED = Redis(port=1)  # a job wants a connection; nothing here is sent


def answer(shards: list[int]) -> None:
    """What APPLY stands for in these tests."""


ALLOWED = job_class({APPLY: answer})


def job_of(name: str) -> Job:
    return ALLOWED.create(name, [[3]], connection=UNUSED, serializer=SERIALIZER)


def test_the_one_allowed_name_is_what_runs() -> None:
    assert job_of(APPLY).func is answer


@pytest.mark.parametrize(
    "name", ["os.system", "worker.jobs.allowed", "worker.jobs.apply.__globals__", "builtins.exec", "apply", ""]
)
def test_a_job_of_any_other_name_is_refused(name: str) -> None:
    job = job_of("to.be.replaced")
    job.func_name = name

    with pytest.raises(PermissionError):
        _ = job.func


def test_a_method_is_refused_even_if_it_has_an_allowed_name() -> None:
    job = job_of(APPLY)
    job.instance = {"some": "object"}

    with pytest.raises(PermissionError):
        _ = job.func


@pytest.mark.parametrize("event", ["success", "failure", "stopped"])
def test_a_callback_is_a_name_too_and_never_runs(event: str) -> None:
    stranger = Job.create(
        APPLY,
        [3],
        connection=UNUSED,
        serializer=SERIALIZER,
        on_success=Callback("os.system"),
        on_failure=Callback("os.system"),
        on_stopped=Callback("os.system"),
    )

    assert getattr(restored(stranger), f"{event}_callback") is None


def test_a_webhook_is_never_sent() -> None:
    stranger = Job.create(APPLY, [3], connection=UNUSED, serializer=SERIALIZER)
    stored = stranger.to_dict() | {"webhooks": b'[{"url": "http://169.254.169.254/", "job_status": "finished"}]'}

    assert restored(stranger, stored).webhooks == []


PACKED_BOMB = zlib.compress(b"[" * (64 << 20), 1)


def test_a_job_that_unpacks_to_too_much_is_refused_before_it_takes_memory() -> None:
    tracemalloc.start()
    try:
        with suppress(Refused):
            call_in(PACKED_BOMB)
            raise AssertionError("not refused")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"\xff",
        b"[" * 60_000,
        b"x" * (DATA_MAX_BYTES + 1),
        b"1",
        b"[]",
        b'["a", null, [], {}, 1]',
        b"[1, null, [], {}]",
        b'["a", {}, [], {}]',
        b'["a", null, {}, {}]',
        b'["a", null, [], {"b": 1}]',
        b'["a", null, [' + b"9" * 5000 + b"], {}]",
    ],
    ids=lambda data: repr(data[:24]),
)
@pytest.mark.parametrize("pack", [bytes, zlib.compress], ids=["as it is", "packed"])
def test_a_job_of_another_form_is_refused_and_nothing_of_it_is_repeated(pack: Callable[[bytes], bytes], data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        call_in(pack(data))

    assert refused.value.__cause__ is None
    assert len(str(refused.value)) < 60


@pytest.mark.parametrize("shards", [None, 1, "3", {}, {"3": 3}, [None, "3", 3.0, True, [3], -1, 1024, 10**30]], ids=str)
def test_what_is_no_shard_is_left_out(shards: object) -> None:
    assert shards_among(shards) == []


def test_a_shard_that_is_named_twice_is_drained_once() -> None:
    assert shards_among([3, 5, 3, 3], "more") == [3, 5]
    assert shards_among() == []


def restored(stranger: Job, stored: dict[str, object] | None = None) -> Job:
    """Return the job as a worker finds it in Redis."""
    fields = stored or stranger.to_dict()
    raw = {name.encode(): value.encode() if isinstance(value, str) else value for name, value in fields.items()}
    job = ALLOWED(stranger.id, connection=UNUSED, serializer=SERIALIZER)
    job.restore(raw)
    return job
