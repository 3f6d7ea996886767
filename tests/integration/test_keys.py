"""Keys: what is kept of them, and `python -m core keys`, which makes, lists and revokes them."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from core import ids, keys
from core.ids import Prefix
from core.keys import Access, Key
from core.postgres.statements import statement
from tests import commands
from tests.system import ROOT
from tests.world import World, new_client, new_id


def client_of(world: World) -> UUID:
    [client] = world.insert_clients([new_client()])
    return client.id


def insert(world: World, kept: keys.NewKey) -> Key | None:
    """Keep the key, as the owner: an operator's is refused to everything else."""
    return replace(world, url=world.owner_url).run(lambda connection: keys.insert(connection, kept))


def listed(world: World, client_id: UUID, before: UUID = ids.LAST, limit: int = 100) -> list[Key]:
    return world.ask(lambda database: keys.list_page(database, client_id, before=before, limit=limit))


def opens(world: World, key: str) -> Access | None:
    return world.ask(lambda database: keys.find(database, keys.digest(key)))


def used_seconds_ago(world: World, key_id: UUID) -> float | None:
    [(seconds,)] = world.query("SELECT extract(epoch FROM now() - last_used_at)::float8 FROM keys WHERE id = %s", key_id)
    return None if seconds is None else float(seconds)


def test_of_a_key_nothing_is_kept_that_could_open_anything(world: World) -> None:
    key, kept = keys.new_key(client_of(world))
    insert(world, kept)

    assert re.fullmatch(r"tlr_[A-Za-z0-9_-]{43}", key)
    [(row,)] = world.query("SELECT keys::text FROM keys")
    assert keys.digest(key).hex() in row
    assert key not in row
    assert key.removeprefix("tlr_") not in row


def test_keys_are_never_the_same() -> None:
    assert len({keys.generate() for _ in range(1000)}) == 1000


def test_a_key_is_for_a_client_that_exists(world: World) -> None:
    _, kept = keys.new_key(new_id())

    assert insert(world, kept) is None
    assert world.query("SELECT count(*) FROM keys") == [(0,)]


def test_keeping_a_key_again_keeps_it_once(world: World) -> None:
    _, kept = keys.new_key(client_of(world))

    assert insert(world, kept) == insert(world, kept)
    assert world.query("SELECT count(*) FROM keys") == [(1,)]


def test_a_clients_keys_are_listed_newest_first_from_just_below_one(world: World) -> None:
    client, other = client_of(world), client_of(world)
    made = [insert(world, keys.new_key(client)[1]) for _ in range(3)]
    insert(world, keys.new_key(other)[1])
    insert(world, keys.new_key()[1])

    order = made[::-1]
    assert listed(world, client) == order
    assert listed(world, client, limit=2) == order[:2]
    assert order[0] is not None
    assert listed(world, client, before=order[0].id, limit=1) == order[1:2]
    assert listed(world, new_id()) == []


def test_a_clients_keys_are_listed_without_reading_everybodys(world: World) -> None:
    client = client_of(world)
    world.query(
        "INSERT INTO keys (id, role, client_id, digest)"
        " SELECT gen_random_uuid(), 'client', gen_random_uuid(), sha256(n::text::bytea) FROM generate_series(1, 5000) n"
    )
    world.query("ANALYZE keys")
    params = {"client_id": client, "before": ids.LAST, "limit": 21}

    with psycopg.connect(world.url) as connection:
        plan = "\n".join(line for (line,) in connection.execute("EXPLAIN " + statement("keys/list"), params))

    assert "keys_client" in plan, plan


def test_what_is_revoked_stays_revoked_since_when_it_was(world: World) -> None:
    client = client_of(world)
    key, kept = keys.new_key(client)
    insert(world, kept)

    def revoke(id: UUID) -> bool:
        return world.ask(lambda database: keys.revoke(database, id))

    assert revoke(kept.id)
    [first] = listed(world, client)
    assert revoke(kept.id)
    assert first.revoked_at is not None
    assert listed(world, client) == [first]
    assert opens(world, key) is None
    assert not revoke(new_id())


@pytest.mark.parametrize(("age_s", "is_due"), [(None, True), (59, False), (61, True)])
def test_a_keys_use_is_noted_once_a_minute(world: World, age_s: int | None, is_due: bool) -> None:
    key, kept = keys.new_key(client_of(world))
    insert(world, kept)
    world.query("UPDATE keys SET last_used_at = now() - make_interval(secs => %s)", age_s)
    before = used_seconds_ago(world, kept.id)

    access = opens(world, key)
    world.ask(lambda database: keys.note_use(database, {kept.id}))

    assert access is not None
    assert access.use_is_due == is_due
    after = used_seconds_ago(world, kept.id)
    assert after is not None
    assert after < 30 if is_due else after >= (before or 0)


def test_noting_a_use_waits_for_no_lock(world: World) -> None:
    held, free = keys.new_key(client_of(world))[1], keys.new_key(client_of(world))[1]
    for kept in (held, free):
        insert(world, kept)

    with psycopg.connect(world.url) as holder:
        holder.execute("SELECT FROM keys WHERE id = %s FOR UPDATE", [held.id])
        world.ask(lambda database: keys.note_use(database, {held.id, free.id}))

    assert used_seconds_ago(world, held.id) is None
    assert used_seconds_ago(world, free.id) is not None


# python -m core keys


def run(world: World | None, *argv: str) -> tuple[int, str, str]:
    """Return the command's exit code, output and errors."""
    url, owner_url = (world.url, world.owner_url) if world else ("postgresql://127.0.0.1:1/nowhere", "")
    done = commands.core("keys", *argv, environment={"DATABASE_URL": url, "TELLER_ADMIN_DATABASE_URL": owner_url})
    return done.status, done.out, done.err


def test_the_program_ends_with_the_commands_status(world: World) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core", "keys", "revoke", ids.text(Prefix.KEY, new_id())],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": world.owner_url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "teller: there is no such key\n")


def test_the_command_makes_keys_that_open_what_they_are_for(world: World) -> None:
    client = client_of(world)

    for role, bound_to, options in (
        ("operator", None, ["--operator"]),
        ("viewer", None, ["--viewer", "--name", "the ünïcode support desk"]),
        ("client", client, ["--client", ids.text(Prefix.CLIENT, client)]),
    ):
        code, output, errors = run(world, "make", *options)
        shown = re.fullmatch(
            rf"key id: (key_\w+)\n{role} key: (tlr_\S+)\nIt is shown this once and kept nowhere: store it now.\n", output
        )
        assert (code, errors) == (0, "")
        assert shown, output
        access = opens(world, shown[2])
        assert access
        assert (ids.text(Prefix.KEY, access.key_id), access.role, access.client_id) == (shown[1], role, bound_to)


def test_the_command_lists_the_configured_key_first_and_not_among_a_clients(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    configured, client = "c" * 40, client_of(world)
    insert(world, keys.new_key()[1])
    monkeypatch.setenv("TELLER_OPERATOR_KEY", configured)

    first = run(world, "list")[1].splitlines()[1].split()

    assert first == ["configured", keys.digest(configured).hex()[:8], "operator", "-", "-", "-", "configured"]
    assert "configured" not in run(world, "list", "--client", ids.text(Prefix.CLIENT, client))[1]


def test_the_api_makes_viewers_keys_and_no_operators(world: World) -> None:
    key, kept = keys.new_key(role="viewer", name="support")
    made = world.run(lambda connection: keys.insert(connection, kept))  # in the API's role
    access = opens(world, key)

    assert made
    assert (made.role, made.name, made.client_id) == ("viewer", "support", None)
    assert access
    assert (access.role, access.client_id, list(access.wallet_ids)) == ("viewer", None, [])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.run(lambda connection: keys.insert(connection, keys.new_key()[1]))


def test_the_command_lists_keys_and_shows_none(world: World) -> None:
    client = client_of(world)
    operators, clients_own = keys.new_key(name="the shop")[1], keys.new_key(client)[1]
    for kept in (operators, clients_own):
        insert(world, kept)
    world.query("UPDATE keys SET created_at = '2026-01-31 09:30Z', last_used_at = '2026-02-01Z' WHERE id = %s", operators.id)

    code, output, errors = run(world, "list")
    [head, *rows] = [line.split() for line in output.splitlines()]

    assert (code, errors) == (0, "")
    assert head == ["KEY", "HINT", "OF", "MADE", "LAST", "USED", "REVOKED", "NAME"]
    assert [row[:3] for row in rows] == [
        [ids.text(Prefix.KEY, clients_own.id), clients_own.digest.hex()[:8], ids.text(Prefix.CLIENT, client)],
        [ids.text(Prefix.KEY, operators.id), operators.digest.hex()[:8], "operator"],
    ]
    assert rows[1][3:] == ["2026-01-31T09:30:00Z", "2026-02-01T00:00:00Z", "-", "the", "shop"]
    assert rows[0][-1] == "-"
    assert len(run(world, "list", "--client", ids.text(Prefix.CLIENT, client))[1].splitlines()) == 2


def test_the_command_revokes_a_key_and_says_the_same_again(world: World) -> None:
    key, kept = keys.new_key()
    insert(world, kept)
    id = ids.text(Prefix.KEY, kept.id)

    first, second = run(world, "revoke", id), run(world, "revoke", id)

    assert first == second == (0, "revoked; within 5 seconds it opens nothing any more\n", "")
    assert opens(world, key) is None
    assert run(world, "list")[1].splitlines()[1].split()[5] != "-"


def test_the_command_says_clearly_what_it_cannot(world: World) -> None:
    nobody, nothing, key = ids.text(Prefix.CLIENT, new_id()), ids.text(Prefix.KEY, new_id()), keys.generate()

    assert run(world, "make", "--client", nobody) == (2, "", "teller: there is no such client\n")
    assert run(world, "revoke", nothing) == (2, "", "teller: there is no such key\n")
    for argv, said in (
        (["revoke", key], "argument KEY_ID: is not an id; one begins with key_ and 26 base32 characters follow"),
        (["revoke", nobody], "argument KEY_ID: is an id of another type; one that begins with key_ is expected"),
        (["make", "--client", "Ada"], "argument --client: is not an id; one begins with cli_"),
        (["make"], "one of the arguments --operator --viewer --client is required"),
        (["make", "--operator", "--viewer"], "not allowed with argument"),
        (["make", "--viewer", "--name", ""], "argument --name: is not 1 to 100 printable characters"),
        (["make", "--viewer", "--name", "a" * 101], "argument --name: is not 1 to 100 printable characters"),
        (["make", "--viewer", "--name", "a\nb"], "argument --name: is not 1 to 100 printable characters"),
        (["make", "--operator", "--client", nobody], "not allowed with argument"),
        ([], "the following arguments are required: COMMAND"),
    ):
        code, output, errors = run(world, *argv)
        assert (code, output) == (2, ""), argv
        assert said in errors, argv
        assert key not in errors
    assert world.query("SELECT count(*) FROM keys") == [(0,)]


@pytest.mark.parametrize("argv", [["make", "--operator"], ["list"], ["revoke", "key_01h455vb4pex5vsknk084sn02q"]])
def test_the_command_says_when_the_database_is_not_migrated_or_away(world: World, argv: list[str]) -> None:
    world.query("DROP TABLE keys")

    assert run(world, *argv) == (2, "", "teller: the database is not migrated: run python -m core migrate first\n")
    assert run(None, *argv) == (2, "", "teller: the database that DATABASE_URL names is away, or refuses the connection\n")


def test_a_key_that_was_used_before_the_clock_was_set_back_is_revoked(world: World) -> None:
    _, kept = keys.new_key(client_of(world))
    insert(world, kept)
    world.query("ALTER TABLE keys DISABLE TRIGGER USER")
    world.query("UPDATE keys SET last_used_at = now() + interval '1 hour'")
    world.query("ALTER TABLE keys ENABLE TRIGGER USER")

    assert world.ask(lambda database: keys.revoke(database, kept.id))
    assert world.ask(lambda database: keys.revoke(database, kept.id))
