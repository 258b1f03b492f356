"""Among 20,000 buried jobs and as many dead letters a page of the dead costs what it shows."""

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from uuid_utils.compat import uuid7

from db.reads.dead import group_dead, list_dead
from db.reads.dead_filters import DEAD, DeadFilters, Reason
from db.reads.paging import PAGE_ROWS
from settings import Settings
from tests.databases import Database, administer
from tests.planning import TELLING, Seed, told
from worker.counting import TAKE_BACK, arrays_of
from worker.queue.due_jobs import HOLD, DueJobs

DEAD_OF_EACH = 20_000
MOST = 4 * (PAGE_ROWS + 1)
FILL = (
    """
    INSERT INTO taskrail.job (tenant_id, id, kind, status, outcome, settled_at, error, fingerprint)
    SELECT tenant.id, gen_random_uuid(), 'task.start', 'buried', '{}',
        now() - number * interval '1 s', 'bug', lpad(to_hex(number % 100), 16, '0')
    FROM taskrail.tenant, generate_series(1, :number) AS number
    """,
    """
    INSERT INTO taskrail.job (tenant_id, id, kind, next_feed_at, accepted_at, error, fingerprint)
    SELECT tenant.id, gen_random_uuid(), 'task.levitate', now(),
        now() - number * interval '1 s', 'not known', 'f00d'
    FROM taskrail.tenant, generate_series(1, :number) AS number
    """,
    """
    INSERT INTO taskrail.dead_letter
        (id, received_at, queue, arq_id, raw, size, sha256, reason, fingerprint, error)
    SELECT gen_random_uuid(), now() - number * interval '1 s', 'q', number::text, '', 0, '',
        'unreadable', lpad(to_hex(number % 100), 16, 'f'), 'not JSON'
    FROM generate_series(1, :number) AS number
    """,
)

COUNTED = text("SELECT tenant_id, id FROM taskrail.job WHERE deliveries = 1")


@pytest.fixture
async def graveyard(servers: Settings, database: Database) -> Seed:
    name = make_url(database.settings.resolved_database_url.get_secret_value()).database
    await administer(servers, *(f"ALTER DATABASE {name} SET {setting}" for setting in TELLING))
    async with database.superuser.begin() as connection:
        for statement in FILL:
            await connection.execute(text(statement), {"number": DEAD_OF_EACH})
        await connection.execute(text("ANALYZE"))
        tenant_id = (await connection.execute(text("SELECT id FROM taskrail.tenant"))).scalar_one()
    return Seed(database, tenant_id, uuid7(), "", uuid7(), uuid7())


async def test_a_page_looks_at_what_it_shows(graveyard: Seed) -> None:
    everything = DeadFilters(reasons=(*DEAD, Reason.PARKED))
    async with graveyard.explained("reader") as (connection, plans):
        first = await told(connection, plans, list_dead(connection, everything))
        examined = first.examined("job", "dead_letter")
        indexes = first.indexes
        page = await list_dead(connection, everything)
        second = await told(connection, plans, list_dead(connection, everything, after=page.after))

        assert indexes >= {"ix_job_buried_by_time", "ix_job_parked", "ix_dead_letter_by_time"}
        assert examined <= MOST
        assert second.examined("job", "dead_letter") <= MOST
        assert second.scanned_whole.isdisjoint({"job", "dead_letter"})


async def test_a_group_is_found_by_its_fingerprint(graveyard: Seed) -> None:
    wanted = DeadFilters(fingerprint=f"{7:016x}")
    async with graveyard.explained("reader") as (connection, plans):
        grouped = await told(connection, plans, group_dead(connection, wanted))

        assert grouped.indexes >= {"ix_job_buried_by_fingerprint", "ix_dead_letter_by_fingerprint"}
        assert grouped.examined("job", "dead_letter") <= DEAD_OF_EACH / 100


async def test_what_is_drained_is_found_held_and_taken_back_by_its_index(graveyard: Seed) -> None:
    due, jobs = DueJobs(), 200
    async with graveyard.explained("keeper") as (connection, plans):
        taken = await told(connection, plans, due.take_counted(connection, jobs, 5.0))
        indexes, examined = taken.indexes, taken.examined("job")
        rows = await connection.execute(COUNTED)
        keys = arrays_of([(tenant_id, job_id) for tenant_id, job_id in rows])
        hold = await told(connection, plans, connection.execute(HOLD, keys | {"seconds": 5.0}))
        held = hold.examined("job")
        back = await told(connection, plans, connection.execute(TAKE_BACK, keys))

        assert len(keys["jobs"]) == jobs
        assert "ix_job_to_feed" in indexes
        assert max(examined, held, back.examined("job")) <= 4 * jobs
