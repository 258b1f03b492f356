"""The engine on a real PostgreSQL: the batch, and the same claims for one job at a time."""

from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import (
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    RenewLease,
    ReportProgress,
    StartTask,
)
from tests.asking import Cast
from tests.engine import Engine
from worker.deliveries import Deferred


async def test_a_task_lives_from_creation_to_completion_in_one_batch(
    engine: Engine, cast: Cast
) -> None:
    task_id = uuid7()

    statuses = await engine.statuses(
        [
            cast.task(task_id),
            cast.by(cast.agent, ClaimTask(task_id=task_id)),
            cast.by(cast.agent, ReportProgress(task_id=task_id, percent=60, token=1)),
            cast.by(cast.agent, CompleteTask(task_id=task_id, token=1, result={"words": 300})),
        ]
    )

    assert statuses == ["applied"] * 4
    task = await engine.row("task", cast.tenant_id, task_id)
    assert (task["status"], task["progress"], task["version"]) == ("completed", 100, 4)
    assert task["result"] == {"words": 300}
    assert await engine.count("lease", cast.tenant_id) == 0


async def test_the_same_job_twice_has_one_effect_and_one_answer(engine: Engine, cast: Cast) -> None:
    job = cast.task()

    first = await engine.outcomes([job, job])
    again = await engine.outcomes([job])

    assert [outcome["status"] for outcome in first + again] == ["applied"] * 3
    assert first[0] == first[1] == again[0]
    assert await engine.count("task", cast.tenant_id) == 1


async def test_an_id_with_other_content_is_refused_and_told_the_first_outcome(
    engine: Engine, cast: Cast
) -> None:
    job = cast.task()
    first = (await engine.outcomes([job]))[0]
    other = cast.task().model_copy(update={"id": job.id})

    refused = (await engine.outcomes([other]))[0]

    assert (refused["status"], refused["code"]) == ("rejected", "idempotency_conflict")
    assert refused["first_outcome"] == first
    assert await engine.count("task", cast.tenant_id) == 1


async def test_a_rejection_is_final_for_its_id(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    early = cast.by(cast.human, StartTask(task_id=task_id))
    await engine.statuses([cast.task(task_id), cast.by(cast.owner, CancelTask(task_id=task_id))])

    first = (await engine.outcomes([early]))[0]
    again = (await engine.outcomes([early]))[0]

    assert first["code"] == "illegal_transition"
    assert first["alternatives"] == ["pending"]
    assert again == first


async def test_a_refused_job_leaves_its_neighbours_alone(engine: Engine, cast: Cast) -> None:
    good = [cast.task() for _ in range(5)]
    bad = cast.by(cast.agent, StartTask(task_id=good[0].payload.task_id))

    statuses = await engine.statuses([*good[:3], bad, *good[3:]])

    assert statuses == ["applied", "applied", "applied", "rejected", "applied", "applied"]
    assert await engine.count("task", cast.tenant_id) == 5


async def test_a_tree_is_created_whole_or_not_at_all(engine: Engine, cast: Cast) -> None:
    taken = uuid7()
    await engine.statuses([cast.task(taken)])
    subtasks = [{"task_id": uuid7(), "title": f"Part {n}"} for n in range(4)]
    whole = cast.task(subtasks=subtasks)
    broken = cast.task(
        subtasks=[{"task_id": uuid7(), "title": "New"}, {"task_id": taken, "title": "X"}]
    )

    statuses = await engine.statuses([whole, broken])

    assert statuses == ["applied", "rejected"]
    assert await engine.count("task", cast.tenant_id) == 6


async def test_cancelling_a_parent_cancels_what_is_open_below(engine: Engine, cast: Cast) -> None:
    root, child, grandchild = uuid7(), uuid7(), uuid7()
    below = {"task_id": grandchild, "title": "Below"}
    await engine.statuses(
        [cast.task(root, subtasks=[{"task_id": child, "title": "Child", "subtasks": [below]}])]
    )

    outcome = (await engine.outcomes([cast.by(cast.owner, CancelTask(task_id=root))]))[0]

    assert outcome["result"]["cancelled"] == 3
    row = await engine.row("task", cast.tenant_id, grandchild)
    assert row["status"] == "cancelled"


async def test_a_job_behind_another_waits_for_it(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    create = cast.task(task_id)
    start = cast.by(cast.human, StartTask(task_id=task_id), after=[create.id])

    alone = await engine.apply([start])
    both = await engine.statuses([start, create])

    assert [type(disposition) for disposition in alone] == [Deferred]
    assert both == ["applied", "applied"]


async def test_a_job_that_misses_a_row_waits_before_it_is_refused(
    engine: Engine, cast: Cast
) -> None:
    job = cast.by(cast.human, StartTask(task_id=uuid7()))

    early = await engine.apply([job])
    await engine.age_ledger(cast.tenant_id, seconds=60)
    late = await engine.outcomes([job])

    assert [type(disposition) for disposition in early] == [Deferred]
    assert late[0]["code"] == "not_found"


async def test_another_tenants_task_is_not_found(engine: Engine, cast: Cast) -> None:
    stranger = Cast()
    await engine.create_tenant(stranger.tenant_id)
    await engine.statuses(stranger.setting_up())
    task_id = uuid7()
    await engine.statuses([cast.task(task_id)])

    deferred = await engine.apply([stranger.by(stranger.human, StartTask(task_id=task_id))])

    assert [type(disposition) for disposition in deferred] == [Deferred]
    assert (await engine.row("task", cast.tenant_id, task_id))["status"] == "pending"


async def test_a_renewal_leaves_no_trace_in_ledger_or_history(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await engine.statuses([cast.task(task_id), cast.by(cast.agent, ClaimTask(task_id=task_id))])
    before = await engine.row("lease", cast.tenant_id, task_id)
    jobs = await engine.count("job", cast.tenant_id)

    renewal = cast.by(cast.agent, RenewLease(task_id=task_id, token=1, lease_seconds=600))
    statuses = await engine.statuses([renewal])

    after = await engine.row("lease", cast.tenant_id, task_id)
    assert statuses == ["applied"]
    assert after["expires_at"] > before["expires_at"]
    assert await engine.count("job", cast.tenant_id) == jobs
    assert (await engine.row("task", cast.tenant_id, task_id))["version"] == 2


async def test_a_dispatch_that_finds_nothing_is_not_recorded(engine: Engine, cast: Cast) -> None:
    jobs = await engine.count("job", cast.tenant_id)

    outcome = (await engine.outcomes([cast.by(cast.agent, DispatchTasks(limit=3))]))[0]

    assert outcome["result"] == {"tasks": []}
    assert await engine.count("job", cast.tenant_id) == jobs


async def test_dispatch_hands_out_each_task_once_best_first(engine: Engine, cast: Cast) -> None:
    ranked = [cast.task(priority=word) for word in ("low", "critical", "medium", "high")]
    await engine.statuses(ranked)

    outcomes = await engine.outcomes(
        [
            cast.by(cast.agent, DispatchTasks(limit=3)),
            cast.by(cast.human, DispatchTasks(limit=3)),
        ]
    )

    first, second = ([task["id"] for task in outcome["result"]["tasks"]] for outcome in outcomes)
    ids = {job.payload.priority: str(job.payload.task_id) for job in ranked}
    assert [str(task_id) for task_id in first] == [ids["critical"], ids["high"], ids["medium"]]
    assert [str(task_id) for task_id in second] == [ids["low"]]


async def test_dispatch_finds_the_next_task_when_a_neighbour_took_the_best(
    engine: Engine, cast: Cast
) -> None:
    best, second = uuid7(), uuid7()
    await engine.statuses([cast.task(best, priority="critical"), cast.task(second)])
    claim = cast.by(cast.human, ClaimTask(task_id=best))

    outcomes = await engine.outcomes([claim, cast.by(cast.agent, DispatchTasks(limit=1))])

    assert [task["id"] for task in outcomes[1]["result"]["tasks"]] == [str(second)]


async def test_dispatch_finds_the_next_task_when_a_tree_was_cancelled(
    engine: Engine, cast: Cast
) -> None:
    root, second = uuid7(), uuid7()
    below = [{"task_id": uuid7(), "title": "Below", "priority": "critical"} for _ in range(3)]
    tree = cast.task(root, priority="critical", subtasks=below)
    await engine.statuses([tree, cast.task(second)])
    cancel = cast.by(cast.owner, CancelTask(task_id=root))

    outcomes = await engine.outcomes([cancel, cast.by(cast.agent, DispatchTasks(limit=1))])

    assert [task["id"] for task in outcomes[1]["result"]["tasks"]] == [str(second)]
