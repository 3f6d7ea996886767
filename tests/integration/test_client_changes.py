"""Changes of clients at the same time: each begins with what the one before has left, and none is lost."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import clients
from core.admin.audit import audit
from core.clients import Client, ExternalIdTaken
from tests.world import World, new_client


def made(world: World, **fields: Any) -> UUID:
    [client] = world.insert_clients([new_client()])
    if fields:
        world.change_client(client.id, **fields)
    return client.id


def assert_clean(world: World) -> None:
    report = audit(world.url)
    assert report.clean, "\n".join(report.lines())


def test_changes_at_once_are_merged_and_each_is_in_the_history(world: World) -> None:
    id = made(world)
    changes: list[dict[str, Any]] = [{"name": "Eve"}, {"external_id": "x"}, {"metadata": {"a": "1"}}]

    with ThreadPoolExecutor(len(changes)) as threads:
        list(threads.map(lambda one: world.change_client(id, **one), changes))

    assert world.query("SELECT name, external_id, metadata FROM clients WHERE id = %s", id) == [("Eve", "x", {"a": "1"})]
    assert world.query("SELECT count(*), max(number) FROM client_changes WHERE client_id = %s", id) == [(3, 3)]
    assert_clean(world)


def test_a_change_waits_for_another_one_and_begins_with_what_that_has_left(world: World) -> None:
    id = made(world)

    with psycopg.connect(world.owner_url) as first, ThreadPoolExecutor(1) as threads:
        first.execute("SELECT FROM change_client(%s, '{\"name\": \"first\"}', NULL, 'r')", [id])
        second = threads.submit(world.change_client, id, name="second")
        world.wait_until_blocked()
        assert not second.done()
        first.commit()
        second.result()

    history = world.query("SELECT before ->> 'name', after ->> 'name' FROM client_changes WHERE client_id = %s ORDER BY number", id)
    assert [after for _, after in history] == ["first", "second"]
    assert history[1][0] == "first"
    assert_clean(world)


def test_of_two_clients_that_want_one_external_id_at_once_one_gets_it(world: World) -> None:
    ids = [made(world) for _ in range(2)]

    def want(id: UUID) -> bool:
        try:
            world.change_client(id, external_id="wanted", name="won")
        except ExternalIdTaken:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        won = list(threads.map(want, ids))

    assert sorted(won) == [False, True]
    assert world.query("SELECT id FROM clients WHERE external_id = 'wanted' AND name = 'won'") == [(ids[won.index(True)],)]
    assert world.query("SELECT count(*) FROM client_changes") == [(1,)]
    assert_clean(world)


def test_two_clients_that_take_each_others_external_id_at_once_do_not_hang(world: World) -> None:
    ada, bob = made(world, external_id="a"), made(world, external_id="b")

    def take(id: UUID, external_id: str) -> Client | None:
        change = partial(clients.change, id=id, changes={"external_id": external_id}, key_id=None, reason="swap")
        return world.ask(lambda database: database.run(change))

    with ThreadPoolExecutor(2) as threads:
        swaps = [threads.submit(take, ada, "b"), threads.submit(take, bob, "a")]
        for swap in swaps:
            with pytest.raises(ExternalIdTaken):
                swap.result(timeout=30)

    assert world.query("SELECT external_id FROM clients WHERE id = ANY(%s) ORDER BY external_id", [ada, bob]) == [("a",), ("b",)]
    assert_clean(world)


def test_the_api_changes_a_client_by_the_function_alone(world: World) -> None:
    id = made(world)

    with psycopg.connect(world.url) as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute("UPDATE clients SET name = 'Eve' WHERE id = %s", [id])
    with psycopg.connect(world.url) as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute("INSERT INTO client_changes (client_id, number, before, after, reason) VALUES (%s, 1, '{}', '[]', 'r')", [id])
