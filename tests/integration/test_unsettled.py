"""Jobs that were made to be impossible to settle: each ends, and no neighbour waits for it."""

import random
from typing import Any
from uuid import UUID

import pytest
from pydantic_core import to_json
from uuid_utils.compat import uuid7

from jobs import codec
from jobs.codec import Reference
from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from jobs.wire import payload
from tests.asking import Cast
from tests.engine import Engine
from worker.cases import in_causal_order
from worker.dead.burying import bury
from worker.deliveries import Delivery, HandedBack, Settled

DIGITS_OF_NO_PYTHON_INT = 5_000
LEVELS_OF_NO_PYTHON_JSON = 3_000


def on_the_wire(job: AnyJob, **changes: Any) -> codec.Request:
    """What a worker reads when a producer sends this envelope."""
    envelope = job.model_dump(mode="json", exclude_unset=True) | changes
    return codec.read(payload(job.kind, envelope))


async def record_raw(engine: Engine, job: AnyJob, attributes: str) -> None:
    """Records the job with this JSON text as its attributes, as a producer of plain SQL can."""
    envelope = job.model_dump(mode="json", exclude_unset=True)
    envelope["payload"]["attributes"] = "HERE"
    await engine.execute(
        "SELECT * FROM taskrail.record(CAST(:envelope AS jsonb))",
        envelope=to_json(envelope).decode().replace('"HERE"', attributes),
    )


async def test_a_kid_that_no_ledger_can_store_costs_only_its_own_job(
    engine: Engine, cast: Cast
) -> None:
    bad = on_the_wire(cast.task(), kid="a\x00b")

    statuses = await engine.statuses([cast.task(), bad, cast.task()])

    assert [statuses[0], statuses[2]] == ["applied", "applied"]


async def test_a_parked_job_too_long_for_an_index_does_not_stop_the_store(
    engine: Engine, cast: Cast
) -> None:
    noise = "".join(random.Random(7).choices("0123456789abcdefghijklmnopqrstuv", k=40_000))  # noqa: S311
    changes = {"kind": "task.levitate", "payload": {"task_id": noise}}
    newer = on_the_wire(cast.task(), **changes)

    statuses = await engine.statuses([cast.task(), newer, cast.task()])

    assert statuses == ["applied", "buried", "applied"]


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(f'{{"n": 1e{DIGITS_OF_NO_PYTHON_INT}}}', id="too long a number"),
        pytest.param(
            '{"n": ' + "[" * LEVELS_OF_NO_PYTHON_JSON + "]" * LEVELS_OF_NO_PYTHON_JSON + "}",
            id="too deep",
        ),
    ],
)
async def test_a_recorded_envelope_that_only_postgresql_can_read_is_rejected(
    engine: Engine, cast: Cast, attributes: str
) -> None:
    job = cast.task()
    await record_raw(engine, job, attributes)

    outcomes = await engine.outcomes([cast.task(), Reference(cast.tenant_id, job.id), cast.task()])

    assert [outcome["status"] for outcome in outcomes] == ["applied", "rejected", "applied"]
    assert outcomes[1]["code"] == "invalid"
    assert outcomes[1]["job_id"] == str(job.id)


async def test_an_id_from_beyond_the_calendar_is_invalid(engine: Engine, cast: Cast) -> None:
    far = UUID(int=((1 << 48) - 1) << 80 | 0x7 << 76 | 0b10 << 62 | 1)

    outcome = (await engine.outcomes([cast.task().model_copy(update={"id": far})]))[0]

    assert (outcome["status"], outcome.get("code")) == ("rejected", "invalid")


async def test_what_cannot_be_buried_now_is_handed_back(engine: Engine, cast: Cast) -> None:
    job = cast.task()
    await engine.record([job])
    delivery = Delivery("entry", Reference(cast.tenant_id, job.id))

    async with engine.superuser.begin() as rogue:
        await rogue.exec_driver_sql("SELECT 1 FROM taskrail.job FOR UPDATE")
        locked = await bury(delivery, "it always breaks", engine.runtime)
    free = await bury(delivery, "it always breaks", engine.runtime)

    assert isinstance(locked, HandedBack)
    assert isinstance(free, Settled)
    assert free.outcome.status == "buried"


async def test_who_has_an_id_keeps_its_outcome_beside_a_misuse_of_it(
    engine: Engine, cast: Cast
) -> None:
    """Both come in one batch, the misuse first."""
    mine, task_id = cast.task(), uuid7()
    other = cast.by(
        cast.owner, CommentTask(task_id=task_id, comment_id=uuid7(), body="x"), id=mine.id
    )
    await engine.statuses([mine])

    outcomes = await engine.outcomes([other, mine])

    assert [outcome["status"] for outcome in outcomes] == ["rejected", "applied"]
    assert outcomes[0]["code"] == "idempotency_conflict"


def test_a_chain_longer_than_pythons_stack_is_put_in_order() -> None:
    cast, jobs = Cast(), list[AnyJob]()
    for _ in range(2_000):
        jobs.append(cast.task().model_copy(update={"after": [job.id for job in jobs[-1:]]}))
    deliveries = [Delivery(str(job.id), job) for job in jobs]

    assert in_causal_order(deliveries[::-1]) == deliveries


def test_of_a_circle_of_jobs_that_wait_for_each_other_none_is_lost() -> None:
    cast = Cast()
    first, second, third = (cast.task() for _ in range(3))
    circle = [
        first.model_copy(update={"after": [third.id]}),
        second.model_copy(update={"after": [first.id]}),
        third.model_copy(update={"after": [second.id]}),
    ]
    deliveries = [Delivery(str(job.id), job) for job in circle]

    assert {d.arq_id for d in in_causal_order(deliveries)} == {d.arq_id for d in deliveries}
