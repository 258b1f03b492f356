"""What the calendar needs to find what is due, and may see of it."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file("0006_calendar.sql")


def downgrade() -> None:
    op.execute(
        "REVOKE SELECT (status, version, deleted_at) ON taskrail.project FROM taskrail_keeper"
    )
    op.execute(
        "REVOKE SELECT (tenant_id, id, project_id, status, assignee_id, due_at, recurrence,"
        " version, deleted_at, purged_at) ON taskrail.task FROM taskrail_keeper"
    )
    for index in ("ix_task_to_remind", "ix_task_to_recur", "ix_task_to_purge"):
        op.execute(f"DROP INDEX taskrail.{index}")
