"""The index of leases by holder cannot be mistaken for their key."""

from alembic import op

from migrations.sql_files import run_sql_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file("0012_lease_by_holder.sql")


def downgrade() -> None:
    op.execute("DROP INDEX taskrail.ix_lease_by_holder")
    op.execute("CREATE INDEX ix_lease_by_holder ON taskrail.lease (tenant_id, holder_id)")
