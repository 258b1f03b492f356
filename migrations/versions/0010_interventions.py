"""What operators do with dead jobs: replay and discard, each recorded for good."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FUNCTIONS = (
    "replay(uuid[], uuid[], text[], text, text, boolean)",
    "discard(uuid[], uuid[], text, text)",
    "replay_letter(uuid, text, text, boolean)",
    "discard_letters(uuid[], text, text)",
)
OF_LETTERS = ("error", "traceback", "attempts", "replayed_at", "discarded_at")


def upgrade() -> None:
    run_sql_file("0010_interventions.sql")


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION taskrail.{function}")
    op.execute("DROP TABLE taskrail.intervention")
    op.execute("DROP FUNCTION taskrail.refuse_change_of_interventions()")
    op.execute("DROP INDEX taskrail.ix_dead_letter_by_time")
    for column in OF_LETTERS:
        op.execute(f"ALTER TABLE taskrail.dead_letter DROP COLUMN {column}")
    op.execute("DROP INDEX taskrail.ix_job_parked")
    op.execute("DROP INDEX taskrail.ix_job_buried_by_time")
    op.execute("ALTER TABLE taskrail.job DROP COLUMN discarded_at")
