"""Whatever becomes dead, and however, keeps its bytes, error, traceback, attempts, fingerprint."""

import random
from typing import Any

import pytest
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from db.repositories.dead_letters import MAX_RAW_BYTES
from jobs.codec import Poison, UnknownJob
from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from jobs.wire import payload
from tests.asking import Cast
from tests.engine import Engine
from tests.waiting import until
from tests.workers import Scene
from worker.apply import apply
from worker.consumer import Consumer
from worker.dead.dead_letters import MAX_ERROR_CHARACTERS, MAX_TRACEBACK_CHARACTERS
from worker.deliveries import Delivery

FINGERPRINT_DIGITS = 16


def as_sent(job: AnyJob) -> dict[str, Any]:
    envelope: dict[str, Any] = job.model_dump(mode="json", exclude_unset=True)
    return envelope


def comment(cast: Cast) -> AnyJob:
    return cast.by(cast.human, CommentTask(task_id=uuid7(), comment_id=uuid7(), body="Good"))


@pytest.fixture
def broken_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_: object, payload: CommentTask) -> None:
        raise ZeroDivisionError(f"{payload.comment_id} \x00" + "and so on " * 100_000)

    monkeypatch.setattr("jobs.rules.assign.comment", break_down)


@pytest.mark.usefixtures("broken_comments")
async def test_a_job_that_breaks_its_rule_is_kept_whole_with_a_bounded_error(
    engine: Engine, cast: Cast
) -> None:
    poison = comment(cast)

    statuses = await engine.statuses([cast.task(), poison, cast.task()])

    assert statuses == ["applied", "buried", "applied"]
    row = await engine.row("job", cast.tenant_id, poison.id)
    assert row["envelope"] == as_sent(poison)
    assert row["error"].startswith("ZeroDivisionError")
    assert len(row["error"]) == MAX_ERROR_CHARACTERS
    assert len(row["traceback"]) == MAX_TRACEBACK_CHARACTERS
    assert (row["attempts"], len(row["fingerprint"])) == (1, FINGERPRINT_DIGITS)


@pytest.mark.usefixtures("broken_comments")
async def test_errors_that_differ_in_ids_only_are_one_group(engine: Engine, cast: Cast) -> None:
    jobs = [comment(cast) for _ in range(3)]

    await engine.statuses(jobs)

    rows = [await engine.row("job", cast.tenant_id, job.id) for job in jobs]
    assert len({row["fingerprint"] for row in rows}) == 1
    assert len({row["error"] for row in rows}) == len(jobs)


async def test_a_job_whose_values_break_its_batch_is_kept_with_the_databases_words(
    engine: Engine, cast: Cast
) -> None:
    noise = "".join(random.Random(7).choices("0123456789abcdefghijklmnopqrstuv", k=40_000))  # noqa: S311
    envelope = as_sent(cast.task()) | {"kind": "task.levitate", "payload": {"task_id": noise}}
    bad = UnknownJob(cast.tenant_id, uuid7(), "task.levitate", envelope)

    statuses = await engine.statuses([cast.task(), bad, cast.task()])

    assert statuses == ["applied", "buried", "applied"]
    row = await engine.row("job", cast.tenant_id, bad.id)
    assert row["envelope"] == envelope
    assert "index row" in row["error"]
    assert "JobDataError" in row["traceback"]
    assert (row["attempts"], len(row["fingerprint"])) == (1, FINGERPRINT_DIGITS)


async def test_bytes_that_nobody_can_read_are_kept_with_what_is_wrong_with_them(
    engine: Engine, cast: Cast
) -> None:
    raw = b"\x80\x04 not ours"
    poison = Poison(raw, "unreadable", "no \x00JSON")

    await apply([Delivery("entry-9", poison, count=2)], engine.runtime)

    letter = await engine.last_dead_letter()
    assert (letter["raw"], letter["arq_id"], letter["attempts"]) == (raw, "entry-9", 2)
    assert (letter["reason"], letter["error"]) == ("unreadable", "no ?JSON")
    assert (letter["traceback"], len(letter["fingerprint"])) == (None, FINGERPRINT_DIGITS)
    assert cast


async def test_of_too_many_bytes_the_first_are_kept_with_size_and_hash_of_all(
    engine: Engine, cast: Cast
) -> None:
    raw = b"x" * (MAX_RAW_BYTES + 10)

    await engine.apply([Poison(raw, "unreadable", "too long")])

    letter = await engine.last_dead_letter()
    assert (len(letter["raw"]), letter["size"]) == (MAX_RAW_BYTES, MAX_RAW_BYTES + 10)
    assert cast


async def test_what_no_ledger_can_store_is_kept_with_the_traceback_of_the_refusal(
    engine: Engine, cast: Cast
) -> None:
    bad = cast.task().model_copy(update={"kid": "a\x00b"})

    await engine.statuses([cast.task(), bad])

    letter = await engine.last_dead_letter()
    assert (letter["reason"], from_json(letter["raw"])["id"]) == ("unreadable", str(bad.id))
    assert "JobDataError" in letter["traceback"]
    assert letter["error"]


async def test_a_job_of_nobody_keeps_its_envelope(engine: Engine, cast: Cast) -> None:
    job = Cast().task()

    await engine.apply([job, cast.task()])

    letter = await engine.last_dead_letter()
    assert (letter["reason"], letter["error"]) == ("unknown_tenant", "no such tenant")
    assert from_json(letter["raw"]) == as_sent(job)


async def test_what_is_parked_says_so_and_forgets_it_when_it_is_applied(
    engine: Engine, cast: Cast
) -> None:
    """An older worker calls unknown what this one knows."""
    job = cast.task()
    elder = UnknownJob(cast.tenant_id, job.id, "task.create", as_sent(job))

    await engine.statuses([elder])
    parked = await engine.row("job", cast.tenant_id, job.id)
    await engine.statuses([job])

    applied = await engine.row("job", cast.tenant_id, job.id)
    assert (parked["status"], parked["envelope"]) == ("accepted", as_sent(job))
    assert "does not know" in parked["error"]
    assert len(parked["fingerprint"]) == FINGERPRINT_DIGITS
    assert (applied["status"], applied["error"], applied["fingerprint"]) == ("applied", None, None)


async def test_a_worker_that_arrives_takes_up_what_was_parked_for_it(scene: Scene) -> None:
    job = scene.cast.task()
    elder = UnknownJob(scene.cast.tenant_id, job.id, "task.create", as_sent(job))
    await scene.engine.statuses([elder])
    await scene.engine.execute(
        "UPDATE taskrail.job SET next_feed_at = clock_timestamp() + interval '1 hour'"
        " WHERE status = 'accepted'"
    )

    async with scene.running(Consumer):
        await until(
            lambda: scene.engine.count(
                "job", scene.cast.tenant_id, f"id = '{job.id}' AND events > 0"
            )
        )

    assert await scene.engine.count("task", scene.cast.tenant_id) == 1


async def test_a_job_that_was_in_each_of_five_crashes_is_kept_with_their_number(
    scene: Scene,
) -> None:
    job = scene.cast.task()
    await scene.redis.set(f"arq:job:{job.id}", payload(job.kind, as_sent(job)))
    await scene.redis.zadd(scene.settings.queue_name, {str(job.id): 1})
    await scene.redis.set(f"arq:retry:{job.id}", 5)

    await scene.drain(Consumer)

    row = await scene.engine.row("job", scene.cast.tenant_id, job.id)
    assert (row["status"], row["attempts"], row["envelope"]) == ("buried", 6, as_sent(job))
    assert "kill its worker" in row["error"]
    assert len(row["fingerprint"]) == FINGERPRINT_DIGITS


async def test_bytes_that_are_read_from_redis_are_kept_as_they_came(scene: Scene) -> None:
    raw = to_json({"a": [{"tenant_id": "nobody"}]}) + b" \xff"
    await scene.redis.set("arq:job:odd", raw)
    await scene.redis.zadd(scene.settings.queue_name, {"odd": 1})

    await scene.drain(Consumer)

    letter = await scene.engine.last_dead_letter()
    assert (letter["raw"], letter["arq_id"]) == (raw, "odd")
    assert (letter["queue"], letter["attempts"]) == (scene.settings.queue_name, 1)
