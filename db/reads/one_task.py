"""One task with its surroundings: two statements, however many they are."""

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Subquery, Text, and_, cast, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import table_of
from db.models import Dependency as DependencyTable
from db.models import Lease as LeaseTable
from db.models import Project as ProjectTable
from db.models import Task as TaskTable
from db.reads.paging import MAX_LIMIT
from db.reads.people import Person, person, person_columns
from db.reads.task_row import ASSIGNEE, TaskRow, rows_and, task_row
from db.reads.task_row import NAMES as ROW
from db.reads.views import TASK, WORKER, is_worker

CREATOR, HOLDER = WORKER.alias("creator"), WORKER.alias("holder")
PROJECT, LEASE = table_of(ProjectTable), table_of(LeaseTable)
EDGE, CHILD = table_of(DependencyTable), table_of(TaskTable)


@dataclass(frozen=True, slots=True)
class TaskDetail(TaskRow):
    """All that is known of the task itself."""

    description: str | None
    attributes: dict[str, Any]
    required_capabilities: list[str]
    run_after: datetime | None
    max_attempts: int
    unmet_dependencies: int
    question: dict[str, Any] | None
    result: Any
    failure: dict[str, Any] | None
    budget: dict[str, Any] | None
    usage: dict[str, Any] | None
    recurrence: dict[str, Any] | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class ItsProject:
    id: UUID
    slug: str
    name: str
    status: str
    approval_policy: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Who holds the task until when; the token is the holder's secret and is not told."""

    holder: Person | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Edge:
    """The task at the other end of a dependency, and what becomes of the one that waits."""

    task: TaskRow
    on_failure: str


@dataclass(frozen=True, slots=True)
class OneTask:
    """The first 100 subtasks, oldest first; a list by `parent_id` has all. So of the edges.

    `dependencies`: what it waits for. `dependents`: what waits for it.
    """

    task: TaskDetail
    project: ItsProject
    assignee: Person | None
    creator: Person | None
    lease: Hold | None
    parent: TaskRow | None
    subtasks: list[TaskRow]
    dependencies: list[Edge]
    dependents: list[Edge]


DETAIL = [field.name for field in fields(TaskDetail)][len(ROW) :]
PROJECT_NAMES = [field.name for field in fields(ItsProject)]


async def one_task(connection: AsyncConnection, tenant_id: UUID, task_id: UUID) -> OneTask | None:
    """None where the tenant has no such task, or it or its project is deleted."""
    found = (await connection.execute(_itself(tenant_id, task_id))).one_or_none()
    if found is None:
        return None
    kin = await connection.execute(_kin(tenant_id, task_id))
    related: dict[str, list[Edge]] = defaultdict(list)
    for row in kin:
        related[row.relation].append(Edge(task_row(row), row.on_failure))
    return _assembled(found, related)


def _itself(tenant_id: UUID, task_id: UUID) -> Select[Any]:
    return (
        rows_and(
            *(TASK.c[name] for name in DETAIL),
            *(PROJECT.c[name] for name in PROJECT_NAMES),
            *(column for one in (ASSIGNEE, CREATOR, HOLDER) for column in person_columns(one)),
            LEASE.c.expires_at,
        )
        .join(PROJECT, and_(_same_tenant(PROJECT), PROJECT.c.id == TASK.c.project_id))
        .outerjoin(CREATOR, is_worker(CREATOR, TASK.c.created_by_id))
        .outerjoin(LEASE, and_(_same_tenant(LEASE), LEASE.c.task_id == TASK.c.id))
        .outerjoin(HOLDER, is_worker(HOLDER, LEASE.c.holder_id))
        .where(TASK.c.tenant_id == tenant_id, TASK.c.id == task_id)
    )


def _same_tenant(other: Any) -> Any:
    return other.c.tenant_id == TASK.c.tenant_id


def _kin(tenant_id: UUID, task_id: UUID) -> Select[Any]:
    ids = _kin_ids(tenant_id, task_id)
    return (
        rows_and(ids.c.relation, ids.c.on_failure)
        .join(ids, TASK.c.id == ids.c.id)
        .where(TASK.c.tenant_id == tenant_id)
        .order_by(TASK.c.created_at, TASK.c.id)
    )


def _kin_ids(tenant_id: UUID, task_id: UUID) -> Subquery:
    nothing = cast(null(), Text)
    parent = select(literal("parent").label("relation"), CHILD.c.parent_id.label("id"),
                    nothing.label("on_failure")).where(
        CHILD.c.tenant_id == tenant_id, CHILD.c.id == task_id
    )  # fmt: skip
    subtasks = (
        select(literal("subtask"), CHILD.c.id, nothing)
        .where(CHILD.c.tenant_id == tenant_id, CHILD.c.parent_id == task_id)
        .where(CHILD.c.deleted_at.is_(None))
        .order_by(CHILD.c.created_at, CHILD.c.id)
        .limit(MAX_LIMIT)
    )
    dependencies = (
        select(literal("dependency"), EDGE.c.depends_on_id, EDGE.c.on_failure)
        .where(EDGE.c.tenant_id == tenant_id, EDGE.c.task_id == task_id)
        .limit(MAX_LIMIT)
    )
    dependents = (
        select(literal("dependent"), EDGE.c.task_id, EDGE.c.on_failure)
        .where(EDGE.c.tenant_id == tenant_id, EDGE.c.depends_on_id == task_id)
        .limit(MAX_LIMIT)
    )
    return union_all(parent, subtasks, dependencies, dependents).subquery("kin")


def _assembled(row: Row[Any], related: dict[str, list[Edge]]) -> OneTask:
    values = iter(row)
    task = TaskDetail(*islice(values, len(ROW) + len(DETAIL)))
    project = ItsProject(*islice(values, len(PROJECT_NAMES)))
    assignee, creator, holder = (person(islice(values, 4)) for _ in range(3))
    expires_at = next(values)
    return OneTask(
        task=task,
        project=project,
        assignee=assignee,
        creator=creator,
        lease=None if expires_at is None else Hold(holder, expires_at),
        parent=next((edge.task for edge in related["parent"]), None),
        subtasks=[edge.task for edge in related["subtask"]],
        dependencies=related["dependency"],
        dependents=related["dependent"],
    )
