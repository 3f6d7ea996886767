"""Defaults of a role for its own sessions (ALTER ROLE … SET). A role may set them itself, and they outlive the session."""

import sys

import psycopg
from psycopg import errors, sql

from core.postgres.statements import statement


def reset(owner: psycopg.Connection, role: str) -> None:
    """Reset every default of the role, in this database and in all, and print their names; warn where PostgreSQL refuses it.

    Teller's sessions set all that they need by themselves. Other programs that connect as the role do not.
    """
    if not (names := defaults(owner, role)):
        return
    words = f"what the role {role} sets by default ({', '.join(names)})"
    everywhere = sql.SQL("ALTER ROLE {} RESET ALL").format(sql.Identifier(role))
    here = sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(sql.Identifier(role), sql.Identifier(owner.info.dbname))
    try:
        with owner.transaction():
            owner.execute(everywhere)
            owner.execute(here)
    except errors.InsufficientPrivilege:
        commands = "; ".join(command.as_string(owner) for command in (everywhere, here))
        print(f"warning: {words} stays, because this role may not reset it: let a role run  {commands}", file=sys.stderr)
        return
    left = f"; these stay: {', '.join(kept)}" if (kept := defaults(owner, role)) else ""
    print(f"reset: {words}{left}", file=sys.stderr)


def defaults(owner: psycopg.Connection, role: str) -> list[str]:
    """Return the names of the settings that have a default of this role, in this database or in all."""
    return [name for (name,) in owner.execute(statement("session/list_role_settings"), {"role": role})]
