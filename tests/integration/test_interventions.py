"""Who may act on the dead, and that nobody can unsay it."""

from typing import Any

import pytest
from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from db.engine import Role
from tests.asking import Cast
from tests.databases import Database
from tests.dying import Bury, letter
from tests.engine import Engine, batch_engine
from tests.refusing import NOT_ALLOWED, refused, sqlstate

SERVICES: list[Role] = ["worker", "keeper", "reader"]
CHANGES = [
    "INSERT INTO taskrail.intervention (operator, verb) VALUES ('ada', 'replay')",
    "UPDATE taskrail.intervention SET operator = 'another'",
    "DELETE FROM taskrail.intervention",
    "TRUNCATE taskrail.intervention",
]
ACTS = [
    "SELECT * FROM taskrail.replay('{}', '{}', '{}', 'ada', NULL, false)",
    "SELECT * FROM taskrail.discard('{}', '{}', 'ada', 'a test')",
    "SELECT * FROM taskrail.replay_letter(gen_random_uuid(), 'ada', NULL, false)",
    "SELECT * FROM taskrail.discard_letters('{}', 'ada', 'a test')",
]
REPLAY_LETTER = text("SELECT * FROM taskrail.replay_letter(:one, 'ada', NULL, false)")
BEHIND_THE_RECORD = [
    "UPDATE taskrail.job SET discarded_at = now()",
    "UPDATE taskrail.job SET outcome = NULL",
    "UPDATE taskrail.dead_letter SET discarded_at = now()",
    "DELETE FROM taskrail.dead_letter",
    "SELECT raw FROM taskrail.dead_letter",
    "SELECT before FROM taskrail.intervention",
]

engine = batch_engine


@pytest.mark.parametrize("role", SERVICES)
async def test_no_service_writes_or_changes_the_record_by_itself(
    database: Database, role: Role
) -> None:
    assert await refused(database.engine(role), CHANGES) == CHANGES


async def test_only_the_keeper_acts(database: Database) -> None:
    async with database.engine("keeper").connect() as connection:
        assert [await sqlstate(connection, act) for act in ACTS] == [None] * len(ACTS)

    for role in ("worker", "reader"):
        assert await refused(database.engine(role), ACTS) == ACTS
    async with database.superuser.connect() as connection:
        await connection.execute(text("SET ROLE taskrail_producer"))
        assert {await sqlstate(connection, act) for act in ACTS} == {NOT_ALLOWED}


async def test_the_keeper_acts_in_no_other_way(database: Database) -> None:
    assert await refused(database.engine("keeper"), BEHIND_THE_RECORD) == BEHIND_THE_RECORD


@pytest.mark.parametrize("change", CHANGES[1:])
async def test_not_even_the_owner_changes_the_record(
    database: Database, engine: Engine, bury: Bury, change: str
) -> None:
    (job,) = await bury(uuid7())
    acting: dict[str, Any] = {"tenants": [job.tenant_id], "jobs": [job.id]}
    async with database.engine("keeper").begin() as connection:
        await connection.execute(
            text("SELECT * FROM taskrail.discard(:tenants, :jobs, 'ada', 'a test')"), acting
        )

    async with database.engine("owner").connect() as connection:
        with pytest.raises(DBAPIError, match="never changed"):
            await connection.execute(text(change))

    assert len(await engine.execute("SELECT * FROM taskrail.intervention")) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff",
        b"[]",
        b'{"a": [[]]}',
        to_json({"a": [{"id": str(uuid7()), "tenant_id": str(uuid7()), "kind": "task.start"}]}),
    ],
)
async def test_bytes_without_a_recordable_job_stay_dead(
    database: Database, engine: Engine, cast: Cast, sent: bytes
) -> None:
    """Whatever the command line believes: the database looks itself."""
    one = await letter(engine, sent)

    async with database.engine("keeper").connect() as connection:
        with pytest.raises(DBAPIError):
            await connection.execute(REPLAY_LETTER, {"one": one})

    assert (await engine.last_dead_letter())["replayed_at"] is None
    assert await engine.count("job", cast.tenant_id, "status = 'accepted'") == 0


@pytest.mark.parametrize(
    "flaw", ["reason = 'payload_gone'", "size = size + 1", "replayed_at = now()"]
)
async def test_letters_that_are_cut_or_of_no_reason_to_replay_stay_dead(
    database: Database, engine: Engine, cast: Cast, flaw: str
) -> None:
    one = await letter(engine, to_json(cast.task().model_dump(mode="json", exclude_unset=True)))
    await engine.execute(f"UPDATE taskrail.dead_letter SET {flaw}")  # noqa: S608 - the cases above

    async with database.engine("keeper").begin() as connection:
        rows = await connection.execute(REPLAY_LETTER, {"one": one})

    assert rows.all() == []
    assert await engine.count("job", cast.tenant_id, "status = 'accepted'") == 0
