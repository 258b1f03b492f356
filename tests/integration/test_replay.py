"""What operators do with buried jobs: replay once, discard, and both on record."""

import asyncio
from uuid import UUID

import pytest
from arq.constants import retry_key_prefix
from uuid_utils.compat import uuid7

from db.repositories.interventions import Act
from jobs.codec import Reference
from jobs.entities import Key
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask
from ops.verify.run import verify
from tests.asking import Cast
from tests.databases import Database
from tests.dying import buried
from tests.reading import done, made
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.dead.replaying import discard, replay, replay_letter
from worker.loops.reaper import reap
from worker.loops.sweeper import Sweeper

ADA = Act("ada")


def keys(jobs: list[AnyJob]) -> list[Key]:
    return [(job.tenant_id, job.id) for job in jobs]


async def replayed(scene: Scene, jobs: list[AnyJob], act: Act = ADA) -> set[Key]:
    runtime = scene.engine.runtime
    return await replay(keys(jobs), act, runtime.keeper, runtime.redis)


async def acts(scene: Scene) -> list[tuple[str, str, str | None, UUID]]:
    rows = await scene.engine.execute("SELECT * FROM taskrail.intervention ORDER BY position")
    return [(row["verb"], row["operator"], row["reason"], row["job_id"]) for row in rows]


async def test_a_replayed_job_that_is_mended_is_applied_exactly_once(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task,) = await made(scene.engine, scene.cast, "A")
    (job,) = await buried(scene.engine, scene.cast, monkeypatch, task)

    assert await replayed(scene, [job], Act("ada", "the rule is mended")) == {
        (job.tenant_id, job.id)
    }
    async with scene.running(Consumer):
        outcome = await until(lambda: _outcome(scene, job))

    assert outcome["status"] == "applied"
    row = await scene.engine.row("job", job.tenant_id, job.id)
    assert (row["events"], row["attempts"], row["error"], row["fingerprint"]) == (1, 1, None, None)
    assert await scene.engine.count("comment", job.tenant_id) == 1
    assert await acts(scene) == [("replay", "ada", "the rule is mended", job.id)]
    assert (await verify(database.engine("reader"))).violations == []


async def test_a_replay_keeps_on_record_what_the_job_was(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = await buried(scene.engine, scene.cast, monkeypatch, uuid7())
    was = await scene.engine.row("job", job.tenant_id, job.id)

    await replayed(scene, [job])

    (act,) = await scene.engine.execute("SELECT * FROM taskrail.intervention")
    is_ = await scene.engine.row("job", job.tenant_id, job.id)
    for name in ("status", "error", "traceback", "fingerprint", "attempts", "outcome"):
        assert act["before"][name] == was[name]
    assert "envelope" not in act["before"]
    assert is_["envelope"] == was["envelope"]
    assert (is_["status"], is_["outcome"], is_["settled_at"]) == ("accepted", None, None)
    assert was["accepted_at"] < is_["accepted_at"] == is_["next_feed_at"]


async def test_two_replays_at_once_are_one(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = await buried(scene.engine, scene.cast, monkeypatch, *(uuid7() for _ in range(50)))

    first, second = await asyncio.gather(replayed(scene, jobs), replayed(scene, jobs[::-1]))

    assert first | second == set(keys(jobs))
    assert first.isdisjoint(second)
    assert len(await acts(scene)) == len(jobs)


async def test_two_replays_of_a_letter_at_once_record_its_job_once(scene: Scene) -> None:
    nobody = Cast()
    job = nobody.setting_up()[0]
    await scene.engine.apply([job])
    letter_id, keeper = (await scene.engine.last_dead_letter())["id"], scene.engine.runtime.keeper
    await scene.engine.create_tenant(nobody.tenant_id)

    answers = await asyncio.gather(*(replay_letter(letter_id, ADA, keeper) for _ in range(5)))

    known = [answer for answer in answers if answer is not None]
    assert [(one.job_id, one.status) for one in known] == [(job.id, "accepted")]
    assert await acts(scene) == [("replay", "ada", None, job.id)]


async def test_what_is_settled_is_not_replayed(scene: Scene) -> None:
    job = scene.cast.task()
    await done(scene.engine, job)

    assert await replayed(scene, [job]) == set()

    assert (await scene.engine.row("job", job.tenant_id, job.id))["status"] == "applied"
    assert await acts(scene) == []


async def test_a_replayed_crash_loop_starts_to_count_anew(scene: Scene) -> None:
    """The worker died after the commit: its entry and its counter are still in Redis."""
    handle = await scene.producer.enqueue(scene.cast.task())
    counter = retry_key_prefix + str(handle.job.id)
    await scene.redis.set(counter, 5)
    await scene.drain(Consumer)
    assert (await handle.outcome())["status"] == "buried"
    await scene.redis.set(counter, 9)

    await replayed(scene, [handle.job])
    async with scene.running(Consumer):
        outcome = await until(lambda: _outcome(scene, handle.job))

    assert outcome["status"] == "applied"


async def test_replayed_jobs_come_back_in_the_order_in_which_they_were_accepted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await buried(scene.engine, scene.cast, monkeypatch, *(uuid7() for _ in range(20)))
    for place, job in enumerate(jobs):
        await scene.engine.execute(
            "UPDATE taskrail.job SET accepted_at = accepted_at + make_interval(secs => :place)"
            " WHERE id = :id",
            place=place,
            id=job.id,
        )

    await replayed(scene, jobs[::-1])

    rows = await scene.engine.execute(
        "SELECT id FROM taskrail.job WHERE status = 'accepted' ORDER BY next_feed_at"
    )
    assert [row["id"] for row in rows] == [job.id for job in jobs]


async def test_a_discarded_job_stays_and_is_replayed_only_if_one_says_so(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = await buried(scene.engine, scene.cast, monkeypatch, uuid7())
    keeper = scene.engine.runtime.keeper

    first = await discard(keys([job]), Act("ada", "a test"), keeper)
    again = await discard(keys([job]), Act("bob", "a test"), keeper)
    unaware = await replayed(scene, [job])
    discarded = await scene.engine.row("job", job.tenant_id, job.id)
    sound = (await verify(database.engine("reader"))).violations == []
    aware = await replayed(scene, [job], Act("eve", even_discarded=True))

    assert (first, again, unaware, aware) == (set(keys([job])), set(), set(), set(keys([job])))
    assert (discarded["status"], sound) == ("buried", True)
    assert discarded["envelope"]["id"] == str(job.id)
    assert (await scene.engine.row("job", job.tenant_id, job.id))["discarded_at"] is None
    assert [act[:3] for act in await acts(scene)] == [
        ("discard", "ada", "a test"),
        ("replay", "eve", None),
    ]


async def test_a_replayed_job_of_the_systems_own_is_done_by_its_loop(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reaper makes it again before the sweeper feeds it, and only the reaper is trusted."""
    (task,) = await made(scene.engine, scene.cast, "A")
    await done(scene.engine, scene.cast.by(scene.cast.agent, ClaimTask(task_id=task)))
    await scene.engine.execute("UPDATE taskrail.lease SET expires_at = now() - interval '1 s'")

    def break_down(*_: object) -> None:
        raise RuntimeError("bug")

    with monkeypatch.context() as bug:
        bug.setattr("jobs.rules.lease.expire", break_down)
        await reap(scene.engine.runtime)
    (dead,) = await scene.engine.execute("SELECT * FROM taskrail.job WHERE status = 'buried'")
    in_vain = await reap(scene.engine.runtime)
    runtime = scene.engine.runtime
    await replay([(dead["tenant_id"], dead["id"])], ADA, runtime.keeper, runtime.redis)

    fed, ended = await Sweeper().sweep(runtime), await reap(runtime)

    assert (dead["kind"], in_vain, fed, ended) == ("lease.expire", 0, 0, 1)
    assert (await scene.engine.row("job", dead["tenant_id"], dead["id"]))["status"] == "applied"


async def test_what_cannot_be_done_any_more_is_refused_when_it_is_replayed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = await buried(scene.engine, scene.cast, monkeypatch, uuid7())

    await replayed(scene, [job])
    await scene.engine.age_ledger(job.tenant_id, seconds=60)
    outcomes = await scene.engine.outcomes([Reference(job.tenant_id, job.id)])

    assert outcomes[0]["code"] == "not_found"


async def _outcome(scene: Scene, job: AnyJob) -> dict[str, str]:
    """Empty until it is settled."""
    row = await scene.engine.row("job", job.tenant_id, job.id)
    return row["outcome"] or {}
