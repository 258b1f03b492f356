"""Views and indexes of the reads."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

VIEWS = ("comment_v1", "dependency_v1", "event_v1", "worker_v1", "project_v1", "task_v1")
INDEXES = (
    "ix_task_by_creation", "ix_task_by_due", "ix_task_by_priority", "ix_task_by_title",
    "ix_task_by_deletion", "ix_task_words", "ix_event_by_time",
)  # fmt: skip


def upgrade() -> None:
    run_sql_file("0004_reads.sql")


def downgrade() -> None:
    for view in VIEWS:
        op.execute(f"DROP VIEW taskrail.{view}")
    for index in INDEXES:
        op.execute(f"DROP INDEX taskrail.{index}")
