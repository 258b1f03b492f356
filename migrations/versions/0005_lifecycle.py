"""What the whole lifecycle adds to the tables: usage of projects, purged tasks."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AMOUNTS = ("attempts", "tokens", "money_micros", "wall_seconds")


def upgrade() -> None:
    run_sql_file("0005_lifecycle.sql")


def downgrade() -> None:
    op.execute("ALTER TABLE taskrail.task DROP COLUMN purged_at")
    for amount in AMOUNTS:
        op.execute(f"ALTER TABLE taskrail.tally DROP COLUMN {amount}")
        op.execute(f"ALTER TABLE taskrail.project DROP COLUMN used_{amount}")
