"""taskrail.record: jobs accepted in the producer's own transaction."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file("0003_record.sql")


def downgrade() -> None:
    op.execute("DROP FUNCTION taskrail.record(jsonb)")
    op.execute("DROP FUNCTION taskrail.require_recordable(jsonb)")
