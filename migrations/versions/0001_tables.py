"""The tables."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "tenant", "project", "worker", "member", "task", "lease", "dependency", "comment", "event",
    "outbox", "tally", "job", "dead_letter",
)  # fmt: skip


def upgrade() -> None:
    run_sql_file("0001_tables.sql")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE taskrail.{table}")
