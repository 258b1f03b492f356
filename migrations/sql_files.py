"""Revisions whose statements stand in a .sql file beside them."""

from pathlib import Path

from alembic import op

FOLDER = Path(__file__).parent / "sql"


def run_sql_file(name: str) -> None:
    """Executes the statements of `sql/<name>`; a blank line ends one, and never stands in one."""
    for statement in (FOLDER / name).read_text().split(";\n\n"):
        op.execute(statement.replace(":", r"\:"))
