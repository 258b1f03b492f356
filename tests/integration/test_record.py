"""taskrail.record: jobs accepted in the producer's own transaction, or refused with a reason."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic_core import to_json
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from tests.databases import Database
from tests.planting import Planted, plant

LONG = "".join(uuid4().hex for _ in range(1_250))
"""No index of PostgreSQL's can hold it."""


@pytest.fixture
async def producer(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection that acts as a producer, and is rolled back."""
    async with database.superuser.connect() as connection:
        yield connection


@pytest.fixture
async def tenant(producer: AsyncConnection) -> Planted:
    planted = await plant(producer)
    await producer.execute(text("SET LOCAL ROLE taskrail_producer"))
    return planted


def envelope(tenant: Planted, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "tenant_id": str(tenant.tenant_id),
        "actor_id": None,
        "kind": "task.start",
        "schema_version": 1,
        "issued_at": "2026-11-23T00:00:00Z",
        "payload": {"task_id": str(tenant.task_id)},
    } | changes


async def record(connection: AsyncConnection, given: Any) -> list[Row[Any]]:
    rows = await connection.execute(
        text("SELECT * FROM taskrail.record(CAST(:given AS jsonb))"),
        {"given": to_json(given).decode()},
    )
    return list(rows)


async def stored(connection: AsyncConnection, job_id: str) -> Row[Any]:
    await connection.execute(text("RESET ROLE"))
    rows = await connection.execute(
        text("SELECT *, clock_timestamp() AS now FROM taskrail.job WHERE id = :id"),
        {"id": UUID(job_id)},
    )
    return rows.one()


async def test_a_recorded_job_is_accepted_and_fed_at_once(
    producer: AsyncConnection, tenant: Planted
) -> None:
    job = envelope(tenant)

    [answer] = await record(producer, job)

    assert (answer.job_id, answer.status, answer.outcome) == (UUID(job["id"]), "accepted", None)
    row = await stored(producer, job["id"])
    assert row.envelope == job
    assert row.accepted_at <= row.next_feed_at <= row.now


async def test_many_are_answered_in_their_order(producer: AsyncConnection, tenant: Planted) -> None:
    jobs = [envelope(tenant) for _ in range(50)][::-1]

    answers = await record(producer, jobs)

    assert [answer.job_id for answer in answers] == [UUID(job["id"]) for job in jobs]


async def test_the_same_job_twice_in_a_call_and_again_later_is_one_job(
    producer: AsyncConnection, tenant: Planted
) -> None:
    job = envelope(tenant)

    answers = [*await record(producer, [job, job]), *await record(producer, job)]

    assert [(a.job_id, a.status, a.conflict) for a in answers] == [
        (UUID(job["id"]), "accepted", False)
    ] * 3


async def test_a_settled_job_is_answered_with_its_outcome(
    producer: AsyncConnection, tenant: Planted
) -> None:
    job = envelope(tenant)
    await record(producer, job)
    await producer.execute(text("RESET ROLE"))
    await producer.execute(
        text(
            "UPDATE taskrail.job SET status = 'applied', settled_at = clock_timestamp(),"
            " next_feed_at = NULL, outcome = jsonb_build_object('status', 'applied')"
        )
    )

    [answer] = await record(producer, job)

    assert (answer.status, answer.outcome) == ("applied", {"status": "applied"})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "task.submit"},
        {"payload": {"task_id": str(uuid4())}},
        {"actor_id": str(uuid4())},
        {"schema_version": 2},
    ],
)
async def test_an_id_with_other_content_is_a_conflict_and_changes_nothing(
    producer: AsyncConnection, tenant: Planted, change: dict[str, Any]
) -> None:
    job = envelope(tenant)
    await record(producer, job)

    [answer] = await record(producer, job | change)

    assert answer.conflict
    assert (await stored(producer, job["id"])).envelope == job


async def test_what_is_not_content_makes_no_conflict(
    producer: AsyncConnection, tenant: Planted
) -> None:
    job = envelope(tenant)
    await record(producer, job)
    again = job | {"issued_at": "2026-11-24T00:00:00Z", "after": [str(uuid7())]}
    without_defaults = {k: v for k, v in job.items() if k not in {"schema_version", "actor_id"}}

    answers = [*await record(producer, again), *await record(producer, without_defaults)]

    assert [answer.conflict for answer in answers] == [False, False]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": str(uuid4())}, "UUID of version 7"),
        ({"id": None}, "UUID of version 7"),
        ({"tenant_id": "here"}, "tenant_id must be a UUID"),
        ({"tenant_id": str(uuid7())}, "no active tenant"),
        ({"kind": 7}, "kind must be a dotted word"),
        ({"kind": "Task Start"}, "kind must be a dotted word"),
        ({"kind": "task.renew"}, "ephemeral"),
        ({"payload": []}, "payload must be an object"),
        ({"payload": {"body": "b" * 1024 * 1024}}, "at most 1 MiB"),
        ({"kind": "task.levitate", "payload": {"task_id": LONG}}, "at most 200 characters"),
    ],
)
async def test_what_cannot_be_recorded_is_refused_with_a_reason(
    producer: AsyncConnection, tenant: Planted, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DBAPIError, match=reason) as refusal:
        await record(producer, [envelope(tenant), envelope(tenant) | change])

    cause: Any = refusal.value.orig
    assert cause.sqlstate == "22023"


@pytest.mark.parametrize("given", [7, "text", [[]], [None]])
async def test_what_is_no_envelope_is_refused(
    producer: AsyncConnection, tenant: Planted, given: Any
) -> None:
    assert tenant
    with pytest.raises(DBAPIError, match="an envelope is a JSON object"):
        await record(producer, given)


async def test_a_suspended_tenant_records_nothing(
    producer: AsyncConnection, tenant: Planted
) -> None:
    await producer.execute(text("RESET ROLE"))
    await producer.execute(text("UPDATE taskrail.tenant SET suspended_at = clock_timestamp()"))
    await producer.execute(text("SET LOCAL ROLE taskrail_producer"))

    with pytest.raises(DBAPIError, match="no active tenant"):
        await record(producer, envelope(tenant))
