"""What is searched in tasks stands in a table of its own."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WORDS_AGAIN = """
DO $$
DECLARE
    home text := (SELECT extnamespace::regnamespace::text
                  FROM pg_extension WHERE extname = 'pg_trgm');
BEGIN
    EXECUTE format(
        'CREATE INDEX ix_task_words ON taskrail.task USING gin '
        '(title %1$s.gin_trgm_ops, description %1$s.gin_trgm_ops) WHERE deleted_at IS NULL', home);
END $$
"""


def upgrade() -> None:
    run_sql_file("0007_wording.sql")


def downgrade() -> None:
    for trigger in ("new_tasks_have_wording", "changed_tasks_have_wording"):
        op.execute(f"DROP TRIGGER {trigger} ON taskrail.task")
    op.execute("DROP FUNCTION taskrail.note_wording(), taskrail.correct_wording()")
    op.execute("DROP TABLE taskrail.wording")
    op.execute("CREATE INDEX ix_task_tags ON taskrail.task USING gin (tags jsonb_path_ops)")
    op.execute(WORDS_AGAIN)
