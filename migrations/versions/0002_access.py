"""Row-level security, grants and the guard of the history."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "project", "worker", "member", "task", "lease", "dependency", "comment", "event", "outbox",
    "tally", "job", "tenant",
)  # fmt: skip


def upgrade() -> None:
    run_sql_file("0002_access.sql")


def downgrade() -> None:
    op.execute("DROP TRIGGER history_is_not_truncated ON taskrail.event")
    op.execute("DROP TRIGGER history_is_append_only ON taskrail.event")
    op.execute("DROP FUNCTION taskrail.refuse_change_of_history()")
    for table in TABLES:
        op.execute(f"DROP POLICY every_tenant ON taskrail.{table}")
        op.execute(f"DROP POLICY declared_tenants ON taskrail.{table}")
        op.execute(f"ALTER TABLE taskrail.{table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE taskrail.{table} DISABLE ROW LEVEL SECURITY")
    roles = "taskrail_worker, taskrail_keeper, taskrail_reader, taskrail_producer"
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA taskrail FROM {roles}")
    op.execute(f"REVOKE USAGE ON SCHEMA taskrail FROM {roles}")
