"""Many agents spend from one budget: nothing is lost, and each limit is announced once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from db.engine import create_engine
from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.budget import Budget, Limit, Usage
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, FailTask, ReportProgress, ReportUsage
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CreateTask, DeleteTask, RaiseBudget
from jobs.payloads.worker import RegisterWorker
from ops.verify.run import verify
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.settling import settle
from worker.loops.tally import fold

AGENTS, TASKS_OF_EACH, TOKENS = 20, 3, 10
ALL = AGENTS * TASKS_OF_EACH
LOCK_TIMEOUT_MS = 50


async def test_twenty_agents_spend_from_one_budget_at_once(
    engine: Engine, cast: Cast, database: Database
) -> None:
    within = ALL // 2
    limits = Limit(soft=ALL // 3 * TOKENS, hard=within * TOKENS)
    project = await _budgeted(engine, cast, Budget(tokens=limits))
    agents = await _agents(engine, cast, project)
    held = {agent: await _claimed(engine, cast, agent, project, TASKS_OF_EACH) for agent in agents}

    reports = [[_report(cast, agent, task) for task in held[agent]] for agent in agents]
    await asyncio.gather(*(settle(engine, of_one) for of_one in reports))

    spent = "usage = '{\"tokens\": 10}'"
    assert await engine.count("task", cast.tenant_id, spent) == ALL
    assert await engine.count("task", cast.tenant_id, "status = 'in_progress'") == within - 1
    assert await engine.count("task", cast.tenant_id, "blocked_reason = 'budget'") == within + 1
    for announced in ("project.budget_warned", "project.budget_exceeded"):
        assert await engine.count("event", cast.tenant_id, f"kind = '{announced}'") == 1
    await fold(engine.runtime)
    assert (await engine.row("project", cast.tenant_id, project))["used_tokens"] == ALL * TOKENS
    assert (await verify(database.engine("reader"))).violations == []


async def test_all_that_is_used_is_folded_into_the_project_and_stays_when_work_is_deleted(
    engine: Engine, cast: Cast, database: Database
) -> None:
    failed, done = await _claimed(engine, cast, cast.agent, cast.project_id, 2)
    usage = Usage(tokens=7, money_micros=10**12, wall_seconds=3)
    reports = [
        ReportProgress(task_id=failed, token=1, percent=5, usage=usage),
        FailTask(task_id=failed, token=1, reason="no network", usage=usage),
        CompleteTask(task_id=done, token=1, usage=usage),
        DeleteTask(task_id=done),
    ]

    for payload in reports:
        await settle(engine, [cast.by(cast.agent, payload)])
    await fold(engine.runtime)

    project = await engine.row("project", cast.tenant_id, cast.project_id)
    used = {name: n for name, n in project.items() if name.startswith("used_")}
    assert used == {
        "used_attempts": 1,
        "used_tokens": 21,
        "used_money_micros": 3 * 10**12,
        "used_wall_seconds": 9,
    }
    assert (await verify(database.engine("reader"))).violations == []


async def test_usage_that_was_not_booked_is_found(
    engine: Engine, cast: Cast, database: Database
) -> None:
    (task,) = await _claimed(engine, cast, cast.agent, cast.project_id, 1)
    await settle(engine, [_report(cast, cast.agent, task)])

    await engine.execute(
        "UPDATE taskrail.tally SET tokens = 9 WHERE tenant_id = :tenant AND tokens = 10",
        tenant=cast.tenant_id,
    )

    (violation,) = (await verify(database.engine("reader"))).violations
    assert (violation.check, violation.id) == ("project_counters", str(cast.project_id))
    assert violation.detail == "counted 9 tokens; its tasks make it 10"


async def test_a_task_born_with_its_batch_is_held_to_the_budget_of_its_project(
    engine: Engine, cast: Cast
) -> None:
    project = await _budgeted(engine, cast, Budget(tokens=Limit(hard=TOKENS)))
    task = uuid7()
    jobs = [
        cast.by(cast.owner, CreateTask(project_id=project, task_id=task, title="Read")),
        cast.by(cast.agent, ClaimTask(task_id=task)),
        _report(cast, cast.agent, task),
    ]

    outcomes = await settle(engine, jobs)

    assert outcomes[-1]["result"]["status"] == "blocked"


async def test_a_raise_that_meets_the_report_it_is_for_leaves_no_task_blocked(
    engine: Engine, cast: Cast, database: Database
) -> None:
    tasks = await _claimed(engine, cast, cast.agent, cast.project_id, TASKS_OF_EACH)
    little, more = (Budget(tokens=Limit(hard=n)) for n in (TOKENS, 2 * TOKENS))
    limited = [cast.by(cast.owner, RaiseBudget(task_id=task, budget=little)) for task in tasks]
    assert set(await engine.statuses(limited)) == {"applied"}

    raises = [cast.by(cast.owner, RaiseBudget(task_id=task, budget=more)) for task in tasks]
    reports = [_report(cast, cast.agent, task) for task in tasks]
    await asyncio.gather(*(settle(engine, [job]) for job in (*reports, *raises)))

    going_on = "usage IS NOT NULL AND status IN ('pending', 'in_progress')"
    assert await engine.count("task", cast.tenant_id, going_on) == len(tasks)
    assert (await verify(database.engine("reader"))).violations == []


async def test_only_projects_with_a_budget_are_locked_by_what_is_used(
    engine: Engine, cast: Cast, database: Database
) -> None:
    limited = await _budgeted(engine, cast, Budget(tokens=Limit(soft=TOKENS)))
    (free,) = await _claimed(engine, cast, cast.agent, cast.project_id, 1)
    (counted,) = await _claimed(engine, cast, cast.agent, limited, 1)

    async with _impatient(engine, database), _locked(database, cast.project_id, limited):
        statuses = [
            *await engine.statuses([_report(cast, cast.agent, free)]),
            *await engine.statuses([_report(cast, cast.agent, counted)]),
        ]

    assert statuses == ["applied", "handedback"]


async def _budgeted(engine: Engine, cast: Cast, budget: Budget) -> UUID:
    """A project with this budget, the agent in it."""
    project = uuid7()
    slug = f"project-{project.hex[-12:]}"
    new = CreateProject(project_id=project, slug=slug, name="Reading", budget=budget)
    member = AddMember(project_id=project, worker_id=cast.agent)
    jobs = [cast.by(cast.owner, new), cast.by(cast.owner, member)]
    assert await engine.statuses(jobs) == ["applied"] * 2
    return project


async def _agents(engine: Engine, cast: Cast, project: UUID) -> list[UUID]:
    agents = [uuid7() for _ in range(AGENTS)]
    jobs: list[AnyJob] = []
    for agent in agents:
        fields: dict[str, Any] = {"handle": f"@agent-{agent.hex[-12:]}", "name": "Robot"}
        kind = {"kind": WorkerKind.AGENT, "agent_type": "reader"}
        jobs.append(cast.by(None, RegisterWorker(worker_id=agent, **fields, **kind)))
        jobs.append(cast.by(cast.owner, AddMember(project_id=project, worker_id=agent)))
    assert set(await engine.statuses(jobs)) == {"applied"}
    return agents


async def _claimed(
    engine: Engine, cast: Cast, agent: UUID, project: UUID, number: int
) -> list[UUID]:
    """New tasks that the agent holds, each with the token 1."""
    tasks = [uuid7() for _ in range(number)]
    new = [CreateTask(project_id=project, task_id=task, title="Read") for task in tasks]
    claims = [cast.by(agent, ClaimTask(task_id=task)) for task in tasks]
    jobs = [*(cast.by(cast.owner, payload) for payload in new), *claims]
    assert set(await engine.statuses(jobs)) == {"applied"}
    return tasks


def _report(cast: Cast, agent: UUID, task: UUID) -> AnyJob:
    return cast.by(agent, ReportUsage(task_id=task, token=1, usage=Usage(tokens=TOKENS)))


@asynccontextmanager
async def _impatient(engine: Engine, database: Database) -> AsyncIterator[None]:
    """The engine waits for locks, but not for long."""
    settings = database.settings.model_copy(update={"lock_timeout_ms": LOCK_TIMEOUT_MS})
    impatient = create_engine(settings, "worker")
    engine.runtime = replace(engine.runtime, engine=impatient)
    yield
    await impatient.dispose()


@asynccontextmanager
async def _locked(database: Database, *projects: UUID) -> AsyncIterator[None]:
    """Somebody changes these projects; foreign keys may point to them meanwhile."""
    async with database.superuser.begin() as connection:
        await connection.execute(
            text("SELECT 1 FROM taskrail.project WHERE id = ANY(:ids) FOR NO KEY UPDATE"),
            {"ids": list(projects)},
        )
        yield
