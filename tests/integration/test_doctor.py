"""What the doctor sees in the ledger: whether recorded jobs are taken up, also without Redis."""

import pytest
from pydantic import SecretStr

from ops.doctor.finding import Finding
from ops.doctor.run import examine
from settings import Settings
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine, batch_engine

engine = batch_engine


@pytest.fixture
def without_redis(database: Database) -> Settings:
    nowhere = SecretStr("unix:///dev/null/valkey.sock")
    return database.settings.model_copy(update={"redis_url": nowhere})


async def about_recorded_jobs(settings: Settings) -> Finding:
    (finding,) = [one for one in await examine(settings) if one.subject == "recorded jobs"]
    return finding


async def be_late(engine: Engine, cast: Cast, *, seconds: int) -> None:
    """A recorded job has been due for so long."""
    await engine.record([cast.task()])
    await engine.execute(
        "UPDATE taskrail.job SET next_feed_at = next_feed_at - make_interval(secs => :seconds)"
        " WHERE status = 'accepted'",
        seconds=seconds,
    )


async def test_a_job_that_was_just_recorded_worries_nobody(
    engine: Engine, cast: Cast, database: Database
) -> None:
    await be_late(engine, cast, seconds=5)

    finding = await about_recorded_jobs(database.settings)

    assert (finding.level, finding.found) == ("ok", "none is overdue")


async def test_that_nobody_takes_up_what_is_recorded_is_found(
    engine: Engine, cast: Cast, database: Database
) -> None:
    await be_late(engine, cast, seconds=60)

    finding = await about_recorded_jobs(database.settings)

    assert (finding.level, "1 overdue, the oldest by 6" in finding.found) == ("warning", True)
    assert "taskrail worker" in finding.todo


@pytest.mark.parametrize(("seconds", "level"), [(5, "ok"), (60, "warning")])
async def test_without_redis_it_is_said_that_the_ledger_is_drained_and_whether_it_is(
    engine: Engine, cast: Cast, without_redis: Settings, seconds: int, level: str
) -> None:
    await be_late(engine, cast, seconds=seconds)

    finding = await about_recorded_jobs(without_redis)

    assert finding.found.startswith("Redis is away, so workers drain the ledger; ")
    assert finding.level == level
