"""What the relay needs to know without looking for it."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file("0009_relay.sql")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON SEQUENCE taskrail.outbox_position_seq FROM taskrail_keeper")
