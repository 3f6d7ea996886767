"""The statements of core/sql by their names, such as "transfers/insert"."""

from core.postgres.statements import PARTS, SQL

STATEMENTS = {str(file.relative_to(SQL).with_suffix("")): file for file in sorted(SQL.rglob("*.sql")) if file.parent != PARTS}
