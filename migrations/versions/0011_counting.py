"""The ledger counts the deliveries of what may kill its worker."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file("0011_counting.sql")


def downgrade() -> None:
    op.execute("ALTER TABLE taskrail.job DROP COLUMN deliveries")
