"""Many agents at once: each task has one holder, and who lost his lease changes nothing."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import (
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    RenewLease,
    ReportProgress,
    SubmitTask,
)
from jobs.payloads.project import AddMember
from jobs.payloads.task import CreateTask, NewTask
from jobs.payloads.worker import RegisterWorker
from ops.verify.run import verify
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.settling import settle
from tests.statements import count_anew, number_run
from tests.waiting import until
from worker.apply import apply
from worker.loops.reaper import reap
from worker.loops.running import start_loops, stop_loops
from worker.runtime import Runtime

AGENTS, TASKS, ASKED_FOR = 50, 1_000, 7
STALE_REPORTS, BATCH = 10_000, 500
EXPIRED = 1_000
PRIORITIES = ("low", "medium", "high", "critical")


async def test_fifty_agents_dispatch_each_of_a_thousand_tasks_once(
    database: Database, runtime: Runtime
) -> None:
    engine, cast = await _scene(database, runtime)
    agents = await _agents(engine, cast, AGENTS)
    await _fill_the_queue(engine, cast)

    async def work(agent: UUID) -> list[UUID]:
        taken: list[UUID] = []
        while True:
            ask = cast.by(agent, DispatchTasks(limit=ASKED_FOR))
            (outcome,) = await settle(engine, [ask])
            tasks = [UUID(task["id"]) for task in outcome["result"]["tasks"]]
            if not tasks and len(taken_by_all) >= TASKS:
                return taken
            taken += tasks
            taken_by_all.extend(tasks)

    taken_by_all: list[UUID] = []
    await asyncio.gather(*(work(agent) for agent in agents))

    assert len(taken_by_all) == TASKS
    assert Counter(taken_by_all).most_common(1)[0][1] == 1
    assert await engine.count("lease", cast.tenant_id) == TASKS
    assert (await verify(database.engine("reader"))).violations == []


async def test_tasks_are_dispatched_by_rank_due_time_and_age(
    database: Database, runtime: Runtime
) -> None:
    engine, cast = await _scene(database, runtime)
    await _fill_the_queue(engine, cast)

    dispatched = []
    for _ in range(TASKS // 100):
        (outcome,) = await engine.outcomes([cast.by(cast.agent, DispatchTasks(limit=100))])
        dispatched += [UUID(task["id"]) for task in outcome["result"]["tasks"]]

    rows = await engine.execute(
        "SELECT id FROM taskrail.task WHERE tenant_id = :tenant_id"
        " ORDER BY priority DESC, due_at NULLS LAST, created_at, id",
        tenant_id=cast.tenant_id,
    )
    assert dispatched == [row["id"] for row in rows]


async def test_of_ten_thousand_stale_reports_none_is_applied(
    database: Database, runtime: Runtime
) -> None:
    engine, cast = await _scene(database, runtime)
    (other,) = await _agents(engine, cast, 1)
    tasks = await _claimed(engine, cast, 100)
    await _expire_all(engine, cast)
    assert await reap(runtime) == len(tasks)
    again = [cast.by(other, ClaimTask(task_id=task_id)) for task_id in tasks]
    assert set(await engine.statuses(again)) == {"applied"}
    before = await _rows(engine, cast)

    random = Random(1)  # noqa: S311 - a choice, not a secret
    for _ in range(STALE_REPORTS // BATCH):
        reports = [_stale(cast, random.choice(tasks), random) for _ in range(BATCH)]
        outcomes = await engine.outcomes(reports)
        assert {outcome.get("code") for outcome in outcomes} <= {"lease_lost", "leased_to_other"}

    assert await _rows(engine, cast) == before


async def test_a_thousand_expired_leases_are_ended_in_a_few_statements_by_two_reapers(
    database: Database, runtime: Runtime
) -> None:
    engine, cast = await _scene(database, runtime)
    await _claimed(engine, cast, EXPIRED)
    await _expire_all(engine, cast)
    await count_anew(engine)

    await asyncio.gather(reap(runtime), reap(runtime))

    statements = await number_run(engine)
    assert await engine.count("lease", cast.tenant_id) == 0
    expired = "kind = 'task.lease_expired'"
    assert await engine.count("event", cast.tenant_id, expired) == EXPIRED
    batches = EXPIRED / runtime.settings.batch_jobs
    assert statements < 40 * (batches + 2)
    assert (await verify(database.engine("reader"))).violations == []


async def test_an_expired_lease_is_detected_within_two_seconds(
    database: Database, runtime: Runtime
) -> None:
    """By the database's clock: from the end of the lease to the event that tells of it.

    What this machine needs for a look at the database, at its slowest, is not the reaper's fault.
    """
    engine, cast = await _scene(database, runtime)
    (task_id,) = await _claimed(engine, cast, 1)
    loops = start_loops(runtime)

    await engine.execute(
        "UPDATE taskrail.lease SET expires_at = clock_timestamp() + interval '0.5 s'"
        " WHERE tenant_id = :tenant_id",
        tenant_id=cast.tenant_id,
    )
    lease = await engine.row("lease", cast.tenant_id, task_id)
    expired = "kind = 'task.lease_expired'"
    looks: list[datetime] = []

    async def is_told() -> int:
        (row,) = await engine.execute("SELECT clock_timestamp() AS now")
        looks.append(row["now"])
        return await engine.count("event", cast.tenant_id, expired)

    await until(is_told)
    await stop_loops(loops)

    rows = await engine.execute(f"SELECT at FROM taskrail.event WHERE {expired}")  # noqa: S608
    slowest = max(later - earlier for earlier, later in pairwise(looks))
    assert timedelta(0) <= rows[0]["at"] - lease["expires_at"] < timedelta(seconds=2) + slowest


async def test_an_expired_lease_that_nobody_took_can_be_renewed(
    database: Database, runtime: Runtime
) -> None:
    engine, cast = await _scene(database, runtime)
    (task_id,) = await _claimed(engine, cast, 1)
    await _expire_all(engine, cast)

    renew = cast.by(cast.agent, RenewLease(task_id=task_id, token=1))
    (outcome,) = await engine.outcomes([renew])

    assert outcome["status"] == "applied"
    assert datetime.fromisoformat(outcome["result"]["expires_at"]) > datetime.now(UTC)
    assert await reap(runtime) == 0


async def _scene(database: Database, runtime: Runtime) -> tuple[Engine, Cast]:
    engine, cast = Engine(apply, runtime, database.superuser), Cast()
    await engine.create_tenant(cast.tenant_id)
    assert set(await engine.statuses(cast.setting_up())) == {"applied"}
    return engine, cast


async def _agents(engine: Engine, cast: Cast, number: int) -> list[UUID]:
    """New agents, members of the project."""
    agents = [uuid7() for _ in range(number)]
    jobs: list[AnyJob] = []
    for agent in agents:
        registration = RegisterWorker(
            worker_id=agent,
            handle=f"@agent-{agent.hex[-12:]}",
            name="Robot",
            kind=WorkerKind.AGENT,
            agent_type="writer",
        )
        member = AddMember(project_id=cast.project_id, worker_id=agent)
        jobs += [cast.by(None, registration), cast.by(cast.owner, member)]
    assert set(await engine.statuses(jobs)) == {"applied"}
    return agents


async def _fill_the_queue(engine: Engine, cast: Cast) -> None:
    """Ready tasks of all ranks; some are due, several at one time."""
    random, now = Random(7), datetime.now(UTC)  # noqa: S311 - a choice, not a secret
    for _ in range(TASKS // 250):
        jobs = []
        for _ in range(250):
            due = now + timedelta(hours=random.randint(1, 20)) if random.random() < 0.5 else None
            task = cast.task(priority=random.choice(PRIORITIES), due_at=due)
            jobs.append(task)
        assert set(await engine.statuses(jobs)) == {"applied"}


async def _claimed(engine: Engine, cast: Cast, number: int) -> list[UUID]:
    """Tasks that the cast's agent holds, each under token 1."""
    ids = [uuid7() for _ in range(number)]
    for first in range(0, number, 250):
        some = ids[first : first + 250]
        root, *rest = some
        tree = CreateTask(
            project_id=cast.project_id,
            task_id=root,
            title="Many",
            subtasks=[NewTask(task_id=task_id, title="One") for task_id in rest],
        )
        claims = [cast.by(cast.agent, ClaimTask(task_id=task_id)) for task_id in some]
        assert set(await engine.statuses([cast.by(cast.owner, tree), *claims])) == {"applied"}
    return ids


async def _expire_all(engine: Engine, cast: Cast) -> None:
    await engine.execute(
        "UPDATE taskrail.lease SET expires_at = clock_timestamp() - interval '1 s'"
        " WHERE tenant_id = :tenant_id",
        tenant_id=cast.tenant_id,
    )


def _stale(cast: Cast, task_id: UUID, random: Random) -> AnyJob:
    """A report of the agent that held the task first."""
    held = {"task_id": task_id, "token": random.choice((1, 2))}
    payload = random.choice(
        (
            ReportProgress(**held, percent=50),
            CompleteTask(**held, result="mine"),
            SubmitTask(**held),
            RenewLease(**held),
        )
    )
    return cast.by(cast.agent, payload)


async def _rows(engine: Engine, cast: Cast) -> list[dict[str, object]]:
    return await engine.execute(
        "SELECT t.*, l.token, l.holder_id FROM taskrail.task t"
        " LEFT JOIN taskrail.lease l ON l.tenant_id = t.tenant_id AND l.task_id = t.id"
        " WHERE t.tenant_id = :tenant_id ORDER BY t.id",
        tenant_id=cast.tenant_id,
    )
