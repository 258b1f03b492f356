"""What bulk jobs and partings find, in SQL, is what the slow obvious form in Python finds."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Literal
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db.driver import Driver
from db.repositories.bulk import Bulk as Found
from db.unit_of_work import UnitOfWork, unit_of_work
from jobs.board import Board
from jobs.entities import ApprovalPolicy, Key, TaskStatus
from jobs.refs import Bulk
from tests.databases import Database
from tests.planning import Seed, told
from tests.planting import SOON, Planted, insert, plant
from tests.unit.rules.finding import eligible, tasks_of

TASKS = 150
SETTLED = [TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED]
WHAT: tuple[Literal["complete", "archive", "archive_all"], ...] = (
    "complete", "archive", "archive_all",
)  # fmt: skip


@dataclass(slots=True)
class Forest:
    """Tasks in every state, under each other, leased or waiting; some of them are deleted."""

    planted: Planted
    random: Random
    people: list[UUID] = field(default_factory=list)
    tasks: list[UUID] = field(default_factory=list)
    live: list[UUID] = field(default_factory=list)

    @property
    def project(self) -> Key:
        return self.planted.tenant_id, self.planted.project_id


@pytest.mark.parametrize("seed", range(6))
async def test_bulk_jobs_find_the_same_trees_and_reasons_in_sql_as_in_python(
    seed: int, database: Database
) -> None:
    forest = await _grown(database, seed)
    bulks = [
        Bulk(forest.planted.project_id, what, limit) for what in WHAT for limit in (1, 3, 12, TASKS)
    ]

    async with unit_of_work(database.engine("worker")) as uow:
        await uow.declare([forest.planted.tenant_id])
        found = [await uow.bulk.eligible(forest.project, bulk.what, bulk.limit) for bulk in bulks]
        board = await _everything(uow, forest)

    for bulk, one in zip(bulks, found, strict=True):
        expected = eligible(board, forest.planted.tenant_id, bulk)
        assert {(forest.project, bulk.what): one} == expected
    assert len({one.tasks for one in found}) > len(WHAT)


@pytest.mark.parametrize("what", WHAT)
async def test_a_bulk_job_looks_at_each_task_of_its_project_a_few_times(
    what: str, seeded: Seed
) -> None:
    """Not at each once for every other: whatever the planner expects, nothing is quadratic."""
    project = (seeded.tenant_id, seeded.project_id)
    count = text(
        "SELECT count(*) FROM taskrail.task WHERE tenant_id = :tenant AND project_id = :id"
    )
    async with seeded.explained("worker") as (connection, plans):
        binds = {"tenant": seeded.tenant_id, "id": seeded.project_id}
        tasks = (await connection.execute(count, binds)).scalar_one()
        found = Found(await Driver.of(connection))
        await told(connection, plans, found.eligible(project, what, 1_000))

    assert plans.scanned_whole.isdisjoint({"task", "lease"})
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in plans.nodes) < 20 * tasks


async def test_what_a_worker_has_or_had_is_the_same_in_sql_as_in_python(
    database: Database,
) -> None:
    forest = await _grown(database, seed=1)
    tenant_id, project_id = forest.project
    scopes = [
        (tenant_id, project, worker)
        for project in (None, project_id, uuid7())
        for worker in forest.people
    ]

    async with unit_of_work(database.engine("worker")) as uow:
        await uow.declare([tenant_id])
        found = await uow.bulk.tasks_of(scopes)
        board = await _everything(uow, forest)

    assert found == {scope: tasks_of(board, scope) for scope in scopes}
    assert sum(bool(tasks) for tasks in found.values()) == 2 * len(forest.people)


async def _grown(database: Database, seed: int) -> Forest:
    async with database.superuser.begin() as connection:
        forest = Forest(await plant(connection), Random(seed))  # noqa: S311 - a world, no secret
        for _ in range(3):
            worker = forest.planted.row("worker")
            await insert(connection, "worker", worker)
            forest.people.append(worker["id"])
        await connection.execute(
            text("UPDATE taskrail.project SET approval_policy = :policy WHERE id = :id"),
            {"policy": list(ApprovalPolicy)[seed % 3], "id": forest.planted.project_id},
        )
        for _ in range(TASKS):
            await _plant_task(connection, forest)
    return forest


async def _plant_task(connection: AsyncConnection, forest: Forest) -> None:
    """Mostly settled, so that some trees have nothing open in them."""
    random = forest.random
    is_settled = random.random() < 0.8
    status = random.choice(SETTLED if is_settled else list(TaskStatus))
    task = forest.planted.row("task") | {
        "created_at": SOON - timedelta(days=random.randint(0, 50)),
        "parent_id": random.choice(forest.live) if forest.live and random.random() < 0.6 else None,
        "priority": random.randint(0, 3),
        "assignee_id": random.choice([None, *forest.people]),
        "unmet_dependencies": int(random.random() < 0.2),
    }
    task |= _state(status)
    if random.random() < 0.1:
        task |= {"deleted_at": SOON, "deletion_id": uuid7()}
    else:
        forest.live.append(task["id"])
    forest.tasks.append(task["id"])
    await insert(connection, "task", task)
    if status is TaskStatus.IN_PROGRESS and random.random() < 0.5:
        await _plant_lease(connection, forest, task["id"])


async def _plant_lease(connection: AsyncConnection, forest: Forest, task_id: UUID) -> None:
    holder, former = forest.random.sample(forest.people, 2)
    lease = {"tenant_id": forest.planted.tenant_id, "task_id": task_id, "holder_id": holder}
    await insert(
        connection,
        "lease",
        lease | {"previous_assignee_id": former, "token": 1, "expires_at": SOON},
    )


def _state(status: TaskStatus) -> dict[str, Any]:
    """What the schema asks of a task in this state."""
    state: dict[str, Any] = {"status": status}
    match status:
        case TaskStatus.COMPLETED:
            return state | {"completed_at": SOON, "progress": 100}
        case TaskStatus.IN_PROGRESS | TaskStatus.REVIEW:
            return state | {"started_at": SOON}
        case TaskStatus.BLOCKED:
            return state | {"blocked_reason": "rain"}
        case _:
            return state


async def _everything(uow: UnitOfWork, forest: Forest) -> Board:
    """All tasks of the forest on a board, with the two that were there before."""
    tenant_id, first, second = (
        forest.planted.tenant_id, forest.planted.task_id, forest.planted.other_task_id,
    )  # fmt: skip
    tasks = {
        t.key: t
        for t in await uow.tasks.read(
            [(tenant_id, task_id) for task_id in (*forest.tasks, first, second)]
        )
    }
    board = Board(now=SOON, tasks=tasks, children={key: set() for key in tasks})
    for task in tasks.values():
        if task.parent_id is not None and task.deleted_at is None:
            board.children[tenant_id, task.parent_id].add(task.key)
    board.leases = {lease.key: lease for lease in await uow.leases.load(tasks.keys())}
    board.projects = {row.key: row for row in await uow.projects.read([forest.project])}
    return board
