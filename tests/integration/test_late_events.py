"""Positions are drawn before commits: a lower one may appear after higher ones were published."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db.repositories.outbox import NEXT, Outbox
from tests.statements import count_anew, ran
from tests.streams import entries, happen, keys, unpublished
from tests.workers import Scene
from worker.loops.relay import ROUND_EVENTS, Relay

NUMBER = text("SELECT pg_current_xact_id()")
ROUNDS = 3
EVENTS = 2_000


@pytest.fixture
async def transactions(scene: Scene) -> AsyncIterator[list[AsyncConnection]]:
    """Two sessions in which anything may happen, as slowly as it likes."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(scene.engine.superuser.connect()) for _ in range(2)]


@pytest.mark.parametrize("first", ["late", "early"])
async def test_an_event_that_commits_late_with_a_lower_position_is_not_missed(
    scene: Scene, transactions: list[AsyncConnection], first: str
) -> None:
    """Whichever transaction has the lower number: one in progress may have that next to be given.

    So a relay cannot go by pg_snapshot_xmax, which is one past the last number that has ended.
    """
    relay, runtime, tenant_id = Relay(), scene.engine.runtime, scene.cast.tenant_id
    await relay.publish(runtime)
    late, early = transactions
    for number in (late, early) if first == "late" else (early, late):
        await number.execute(NUMBER)

    lower = await happen(late, tenant_id)
    higher = await happen(early, tenant_id)
    await early.commit()
    for _ in range(ROUNDS):
        await relay.publish(runtime)
    before = await keys(scene.redis, tenant_id)
    await late.commit()
    await relay.publish(runtime)

    assert lower < higher
    assert len(await keys(scene.redis, tenant_id)) == len(before) + 1
    assert await unpublished(scene) == 0
    assert relay.floor.position == higher


async def test_an_event_waits_in_the_outbox_until_its_transaction_commits(
    scene: Scene, transactions: list[AsyncConnection]
) -> None:
    """The next event of the same entity cannot be drawn before."""
    relay, runtime, tenant_id = Relay(), scene.engine.runtime, scene.cast.tenant_id
    entity_id = uuid7()
    slow, _ = transactions
    await happen(slow, tenant_id, entity_id, seq=1)
    await relay.publish(runtime)
    before = len(await entries(scene.redis, tenant_id))

    await happen(slow, tenant_id, entity_id, seq=2)
    await slow.commit()
    await relay.publish(runtime)

    events = (await entries(scene.redis, tenant_id))[before:]
    assert [(event.entity_id, event.seq) for event in events] == [(entity_id, 1), (entity_id, 2)]


async def test_what_was_rolled_back_is_not_waited_for(
    scene: Scene, transactions: list[AsyncConnection]
) -> None:
    relay, runtime = Relay(), scene.engine.runtime
    undone, _ = transactions
    position = await happen(undone, scene.cast.tenant_id)
    await relay.publish(runtime)
    assert relay.floor.position < position

    await undone.rollback()
    await relay.publish(runtime)

    assert relay.floor.position == position


async def test_neither_a_long_snapshot_nor_a_foreign_writer_makes_rounds_longer(
    scene: Scene, transactions: list[AsyncConnection]
) -> None:
    """The rows that were deleted are still there for them; the relay does not pass them again."""
    relay, runtime = Relay(), scene.engine.runtime
    snapshot, writer = transactions
    await snapshot.execution_options(isolation_level="REPEATABLE READ")
    await snapshot.execute(text("SELECT 1 FROM taskrail.outbox"))
    await writer.execute(text("UPDATE taskrail.tenant SET name = 'Slow'"))

    for _ in range(ROUNDS):
        await _happened(scene, EVENTS)
        await relay.publish(runtime)

    from_the_floor = await _pages_read(scene, relay.floor.position)
    from_the_start = await _pages_read(scene, 0)
    assert await unpublished(scene) == 0
    assert from_the_floor <= 5 < EVENTS / 100 < from_the_start


async def test_a_relay_with_nothing_to_do_asks_one_question(scene: Scene) -> None:
    """Not of the outbox, whose dead rows may be many: of the sequence that numbers them."""
    relay, runtime = Relay(), scene.engine.runtime
    await relay.publish(runtime)
    await count_anew(scene.engine)

    assert await relay.publish(runtime) == 0

    ((statement, times),) = (await ran(scene.engine, "keeper")).items()
    assert "FROM taskrail.outbox_position_seq" in statement
    assert times == 1


async def test_positions_that_begin_anew_are_seen(scene: Scene) -> None:
    """A server that failed over may have forgotten the last that were drawn."""
    relay, runtime = Relay(), scene.engine.runtime
    await relay.publish(runtime)
    await scene.engine.execute("ALTER SEQUENCE taskrail.outbox_position_seq RESTART")

    await scene.engine.statuses([scene.cast.task()])
    await relay.publish(runtime)

    assert await unpublished(scene) == 0


async def test_before_the_first_event_the_floor_is_below_the_first_position(scene: Scene) -> None:
    await scene.engine.execute("TRUNCATE taskrail.outbox RESTART IDENTITY")
    relay, runtime = Relay(), scene.engine.runtime
    async with runtime.keeper.connect() as keeper:
        assert await Outbox(keeper).last_drawn() == 0
    await relay.publish(runtime)

    await scene.engine.statuses([scene.cast.task()])

    assert await relay.publish(runtime) == 1


async def _happened(scene: Scene, number: int) -> None:
    await scene.engine.execute(
        """
        WITH happened AS (
            INSERT INTO taskrail.event (tenant_id, entity_id, seq, entity_type, kind, title, job_id)
            SELECT :tenant_id, gen_random_uuid(), 1, 'task', 'task.updated', '', gen_random_uuid()
            FROM generate_series(1, :number)
            RETURNING tenant_id, entity_id, seq
        )
        INSERT INTO taskrail.outbox (tenant_id, entity_id, seq) SELECT * FROM happened
        """,
        tenant_id=scene.cast.tenant_id,
        number=number,
    )


async def _pages_read(scene: Scene, above: int) -> int:
    """How many pages the relay's own statement looks at."""
    explained = text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {NEXT.text}")
    binds = {"above": above, "without": [], "most": ROUND_EVENTS}
    async with scene.engine.runtime.keeper.connect() as keeper:
        typed = explained.bindparams(bindparam("without", type_=ARRAY(Uuid())))
        plan = (await keeper.execute(typed, binds)).scalar_one()[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
