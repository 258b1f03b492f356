"""Workers of two releases on one queue: what only the newer one knows waits for it (F32)."""

from collections import Counter

from jobs.chaining import Chain
from tests.history.directed import Directed
from tests.survival.processes import worker_process
from tests.waiting import until

PARKED = "status = 'accepted' AND kind = 'task.comment'"
TIME_PASSES = "UPDATE taskrail.job SET next_feed_at = clock_timestamp() WHERE status = 'accepted'"


async def test_what_an_older_worker_does_not_know_is_done_by_a_newer_one(
    directed: Directed,
) -> None:
    settings, first, second = directed.scene.settings, directed.lives(), directed.lives()
    comments = sum(job.kind == "task.comment" for job in first)
    async with worker_process(settings, ("tests.older",)) as older:
        await directed.enqueue(first)
        await until(lambda: _has_parked(directed, comments), seconds=30)
        async with worker_process(settings):
            await directed.record(Chain().ordered(second))
            await until(lambda: _all_is_done(directed), seconds=60)
            assert older.returncode is None
            assert await directed.drained(seconds=30)

    settled = await directed.scene.engine.execute("SELECT status FROM taskrail.job")
    assert Counter(row["status"] for row in settled) == {"applied": len(settled)}
    assert await directed.violations() == []


async def _has_parked(directed: Directed, number: int) -> bool:
    tenant_id = directed.scene.cast.tenant_id
    return await directed.scene.engine.count("job", tenant_id, PARKED) == number


async def _all_is_done(directed: Directed) -> bool:
    """Parked jobs are tried again after a while, which is over at once here."""
    await directed.scene.engine.execute(TIME_PASSES)
    return await directed.is_empty()
