"""The fold: what batches appended to `tally` goes into the counters of the projects."""

from sqlalchemy import text

from worker.glance import is_any
from worker.loops.alone import alone
from worker.runtime import Runtime
from worker.signals import TallyFolded

FOLD_DELTAS = 10_000

ANY = text("SELECT 1 FROM taskrail.tally LIMIT 1")
FOLD = text("""
    WITH taken AS (
        DELETE FROM taskrail.tally
        WHERE position IN (SELECT position FROM taskrail.tally ORDER BY position LIMIT :deltas)
        RETURNING *
    ), sums AS (
        SELECT tenant_id, project_id, sum(tasks)::int AS tasks, sum(completed)::int AS completed,
            sum(attempts)::bigint AS attempts, sum(tokens)::bigint AS tokens,
            sum(money_micros)::bigint AS money_micros, sum(wall_seconds)::bigint AS wall_seconds
        FROM taken GROUP BY tenant_id, project_id
    )
    UPDATE taskrail.project
    SET task_count = task_count + sums.tasks, completed_count = completed_count + sums.completed,
        used_attempts = used_attempts + sums.attempts, used_tokens = used_tokens + sums.tokens,
        used_money_micros = used_money_micros + sums.money_micros,
        used_wall_seconds = used_wall_seconds + sums.wall_seconds
    FROM sums WHERE project.tenant_id = sums.tenant_id AND project.id = sums.project_id
""")


async def fold(runtime: Runtime) -> int:
    """The oldest deltas are in their projects' counters; how many projects that were."""
    if not await is_any(runtime.keeper, ANY):
        return 0
    async with alone(runtime.keeper, "tally") as connection:
        if connection is None:
            return 0
        projects = (await connection.execute(FOLD, {"deltas": FOLD_DELTAS})).rowcount
    if projects:
        runtime.emit(TallyFolded(projects=projects))
    return projects
