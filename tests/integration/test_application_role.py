"""How the application's role comes to be and gets in: made, found, given another password, or said clearly why not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import errors, sql

from core.admin.migrate import migrate
from core.admin.rights import SetupError
from core.settings import Settings
from local.postgres import Postgres
from tests import commands
from tests.caller import OPERATOR_KEY
from tests.databases import Databases, with_role
from tests.world import World, deposit

PASSWORD = "it's/%@:secret ü"
MIGRATED = "SELECT to_regclass('migrations') IS NOT NULL"


@dataclass(frozen=True)
class Server:
    """An empty database for roles that only this test knows."""

    databases: Databases
    url: str  # of its owner, which may do everything on this server

    def new_role(self, options: str | None = None) -> str:
        """Return the URL of a new role; it is made with these options, or not at all."""
        role = self.databases.new_role()
        if options is not None:
            self.run(f"CREATE ROLE {role} PASSWORD {sql.Literal(PASSWORD).as_string()} {options}")
        return with_role(self.url, role, PASSWORD)

    def run(self, statement: str) -> list[tuple[object, ...]]:
        return World(self.url, self.url).query(statement)

    def give_tables(self, role: str) -> None:
        for (table,) in self.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            self.run(f"ALTER TABLE {table} OWNER TO {role}")

    def new_owner(self, options: str) -> str:
        """Return the URL of a new owner of the database, with these options and not a superuser."""
        url = self.new_role(f"LOGIN {options}")
        self.run(f"ALTER DATABASE {name(self.url)} OWNER TO {user(url)}")
        return url


@pytest.fixture
def server(databases: Databases) -> Server:
    return Server(databases, databases.owner_url(databases.empty()))


def user(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["user"])


def name(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


def run(application: str, owner: str) -> None:
    migrate(Settings.model_validate({**environment(application, owner), "TELLER_ADMIN_DATABASE_URL": owner or None}))


def run_command(application: str, owner: str, command: str = "migrate") -> tuple[int, str]:
    done = commands.core(command, environment=environment(application, owner))
    return done.status, done.err


def environment(application: str, owner: str) -> dict[str, str]:
    return {"DATABASE_URL": application, "TELLER_ADMIN_DATABASE_URL": owner, "TELLER_OPERATOR_KEY": OPERATOR_KEY}


def assert_works(application: str, server: Server) -> None:
    """The role can do the application's work, from a client to an applied deposit."""
    world = World(application, server.url)
    assert world.balance(world.new_wallet(5)) == 5


def may_change_entries(application: str) -> bool:
    with psycopg.connect(application, autocommit=True) as connection:
        try:
            connection.execute("UPDATE entries SET amount = amount WHERE false")
        except errors.InsufficientPrivilege:
            return False
    return True


def test_the_role_is_made_with_the_password_of_its_url_and_can_do_its_work(server: Server) -> None:
    application = server.new_role()

    run(application, server.url)

    assert_works(application, server)
    assert not may_change_entries(application)


def test_it_is_no_more_than_a_login(server: Server) -> None:
    application = server.new_role()

    run(application, server.url)

    powers = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    assert server.run(f"SELECT rolcanlogin, {powers} FROM pg_roles WHERE rolname = '{user(application)}'") == [(True, False)]
    assert server.run(f"SELECT FROM pg_auth_members WHERE member = '{user(application)}'::regrole") == []


def test_a_second_time_changes_neither_the_role_nor_its_rights(server: Server) -> None:
    application = server.new_role()
    role = f"SELECT * FROM pg_authid WHERE rolname = '{user(application)}'"
    rights = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname"
    run(application, server.url)
    before = server.run(role), server.run(rights)

    run(application, server.url)

    assert (server.run(role), server.run(rights)) == before


@pytest.mark.parametrize("options", ["LOGIN", "NOLOGIN"])
def test_a_role_that_does_not_get_in_is_let_in_with_the_password_of_its_url(server: Server, options: str) -> None:
    before = server.new_role(options)
    application = with_role(before, user(before), "another")

    run(application, server.url)

    assert_works(application, server)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(before)


def test_a_password_is_in_no_statement_that_the_server_may_log(own_postgres: Postgres) -> None:
    owner = own_postgres.url("postgres")
    World(owner, owner).query("ALTER DATABASE postgres SET log_statement = 'all'")

    for password in ("swordfish-1", "swordfish-2"):
        run(with_role(owner, "teller_app", password), owner)

    logged = own_postgres.log_file.read_text()
    assert 'CREATE ROLE "teller_app"' in logged
    assert 'ALTER ROLE "teller_app"' in logged
    assert "swordfish" not in logged


def test_an_existing_role_takes_no_right_to_make_or_change_roles(server: Server) -> None:
    """As on a server whose administrator makes the roles."""
    owner, application = server.new_owner("NOCREATEROLE"), server.new_role("LOGIN")

    run(application, owner)

    assert_works(application, server)
    assert not may_change_entries(application)


def test_an_owner_that_is_no_superuser_makes_the_role_and_changes_its_password(server: Server) -> None:
    owner, application = server.new_owner("CREATEROLE"), server.new_role()
    run(application, owner)
    assert_works(application, server)

    changed = with_role(application, user(application), "another")
    run(changed, owner)

    assert_works(changed, server)
    assert not may_change_entries(changed)


def test_a_missing_role_that_the_owner_may_not_make_is_said_before_anything_is_changed(server: Server) -> None:
    owner, application = server.new_owner("NOCREATEROLE"), server.new_role()

    status, said = run_command(application, owner)

    role = user(application)
    assert status == 2
    assert said == (
        f'teller: there is no role {role}, and the owner of the tables may not make it; run  CREATE ROLE "{role}" LOGIN'
        " PASSWORD '…'  with the password of DATABASE_URL as a role that may, and migrate again\n"
    )
    assert server.run(MIGRATED) == [(False,)]


def test_a_password_that_the_owner_may_not_change_is_said_before_anything_is_changed(server: Server) -> None:
    owner, before = server.new_owner("NOCREATEROLE"), server.new_role("LOGIN")
    role = user(before)

    status, said = run_command(with_role(before, role, "another"), owner)

    assert status == 2
    assert said == (
        f"teller: DATABASE_URL does not let its role {role} in, and the owner of the tables may not change its password; run"
        f"  ALTER ROLE \"{role}\" LOGIN PASSWORD '…'  with the password of DATABASE_URL as a role that may, and migrate again\n"
    )
    assert server.run(MIGRATED) == [(False,)]


@pytest.mark.parametrize("membership", ["SUPERUSER LOGIN", "LOGIN IN ROLE {owner}"])
def test_a_typing_error_in_a_url_changes_the_password_of_no_mighty_role(server: Server, membership: str) -> None:
    mighty = server.new_role(membership.format(owner=user(server.url)))

    with pytest.raises(SetupError, match="does not change the password of a role that may do what the owner may"):
        run(with_role(mighty, user(mighty), "another"), server.url)

    psycopg.connect(mighty).close()
    assert server.run(MIGRATED) == [(False,)]


def test_a_url_without_a_password_is_refused(server: Server) -> None:
    application = server.new_role("LOGIN")

    with pytest.raises(SetupError, match="and gives it no password"):
        run(with_role(server.url, user(application), "").replace(":@", "@"), server.url)


def test_a_url_must_name_its_role_when_the_owner_has_another(server: Server) -> None:
    with pytest.raises(SetupError, match="DATABASE_URL must name its role"):
        run("postgresql:///teller", server.url)


def test_a_malformed_url_is_called_by_its_name_and_not_repeated(server: Server) -> None:
    status, said = run_command("postgresql://teller:se%zzcret@127.0.0.1/teller", server.url)

    assert status == 2
    assert "\n  DATABASE_URL: Value error, has a '%' without" in said
    assert "zz" not in said


def test_a_malformed_url_of_the_owner_is_called_by_its_own_name(server: Server) -> None:
    status, said = run_command(server.url, "postgresql://teller:se%zzcret@127.0.0.1/teller")

    assert status == 2
    assert "\n  TELLER_ADMIN_DATABASE_URL: Value error, has a '%' without" in said
    assert "zz" not in said


def test_an_owner_that_does_not_get_in_is_called_by_the_name_of_its_url(server: Server) -> None:
    status, said = run_command(server.new_role(), with_role(server.url, user(server.url), "wrong"))

    expected = "teller: the database that TELLER_ADMIN_DATABASE_URL names is away, or refuses the connection\n"
    assert (status, said) == (2, expected)


def test_to_migrate_as_the_application_is_refused_with_what_to_do(server: Server) -> None:
    application = server.new_role()
    run(application, server.url)

    status, said = run_command(application, "")

    assert status == 2
    assert said == (
        "teller: the role that DATABASE_URL names may not do this (permission denied for schema public):"
        " do it as the owner of the tables, named in TELLER_ADMIN_DATABASE_URL\n"
    )


def test_the_audit_works_with_the_application_role_alone_and_says_when_it_was_not_granted(server: Server) -> None:
    application, stranger = server.new_role(), server.new_role("LOGIN")
    run(application, server.url)

    assert run_command(application, "", "audit") == (0, "")
    status, said = run_command(stranger, "", "audit")

    assert status == 2
    assert said.startswith("teller: the role that DATABASE_URL names may not do this (permission denied for table ")


@pytest.mark.parametrize("named_twice", [False, True])
def test_a_single_role_works_and_is_warned_about(server: Server, capsys: pytest.CaptureFixture[str], named_twice: bool) -> None:
    single = server.new_owner("NOCREATEROLE")

    for _ in range(2):
        run(single, single if named_twice else "")

    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
    role = f"the role {user(single)} of the API, the workers and the deliverer"
    assert len(said) == 2
    assert all(line.startswith(f"warning: {role} may do all that the owner of the database or its tables may") for line in said)
    assert_works(single, server)
    world = World(single, single)
    with pytest.raises(errors.RestrictViolation):
        world.query("DELETE FROM entries")


MIGHTY: dict[str, Callable[[Server, str], object]] = {
    "a superuser": lambda server, role: server.run(f"ALTER ROLE {role} SUPERUSER"),
    "a member of the owner": lambda server, role: server.run(f"GRANT {user(server.url)} TO {role} WITH INHERIT FALSE"),
    "the owner of the database": lambda server, role: server.run(f"ALTER DATABASE {name(server.url)} OWNER TO {role}"),
    "the owner of the tables": lambda server, role: server.give_tables(role),
}


@pytest.mark.parametrize("what", MIGHTY)
def test_a_role_that_is_mightier_than_it_looks_is_warned_about_and_works(
    server: Server, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    application = server.new_role("LOGIN")
    run(application, server.url)
    assert "may do all" not in capsys.readouterr().err
    MIGHTY[what](server, user(application))

    run(application, server.url)

    role = f"the role {user(application)} of the API, the workers and the deliverer"
    assert f"warning: {role} may do all" in capsys.readouterr().err
    assert_works(application, server)


def test_what_was_granted_beside_is_taken_back(server: Server) -> None:
    application = server.new_role()
    run(application, server.url)
    server.run(f"GRANT ALL ON entries TO {user(application)}; GRANT UPDATE (amount) ON transfers TO PUBLIC")
    assert may_change_entries(application)

    run(application, server.url)

    assert not may_change_entries(application)
    assert server.run(f"SELECT has_column_privilege('{user(application)}', 'transfers', 'amount', 'UPDATE')") == [(False,)]


def test_another_role_gets_the_same_rights(server: Server) -> None:
    first, second = server.new_role(), server.new_role()
    run(first, server.url)

    run(second, server.url)

    assert_works(second, server)
    assert not may_change_entries(second)


def test_no_name_and_no_password_is_taken_for_sql(server: Server) -> None:
    role = f'{server.databases.new_role()} "; DROP TABLE entries; -- %s {{}}'
    application = with_role(server.url, role, "'; DROP TABLE entries; -- %s {}")

    run(application, server.url)

    try:
        assert_works(application, server)
        assert not may_change_entries(application)
    finally:
        quoted = sql.Identifier(role).as_string()
        server.run(f"DROP OWNED BY {quoted}; DROP ROLE {quoted}")


def test_many_migrations_at_once_of_many_databases_share_one_new_role(databases: Databases, server: Server) -> None:
    role = server.databases.new_role()
    owners = [databases.owner_url(databases.empty()) for _ in range(3)] * 2

    with ThreadPoolExecutor(len(owners)) as threads:
        for done in [threads.submit(run, with_role(owner, role, PASSWORD), owner) for owner in owners]:
            done.result(30)

    for owner in owners[:3]:
        world = World(with_role(owner, role, PASSWORD), owner)
        world.submit(deposit(world.new_wallet(), 5))
        assert world.drain() == 1
        assert not may_change_entries(world.url)
