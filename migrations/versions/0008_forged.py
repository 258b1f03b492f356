"""Jobs whose signature is refused are kept as dead letters."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file("0008_forged.sql")


def downgrade() -> None:
    op.execute("ALTER TABLE taskrail.dead_letter DROP CONSTRAINT ck_dead_letter_reason_is_known")
    op.execute("UPDATE taskrail.dead_letter SET reason = 'unreadable' WHERE reason = 'forged'")
    op.execute(
        "ALTER TABLE taskrail.dead_letter ADD CONSTRAINT ck_dead_letter_reason_is_known"
        " CHECK (reason IN ('unreadable', 'unknown_tenant', 'payload_gone'))"
    )
