"""Projects: a page of them, or one with its people and counts."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import table_of
from db.models import Member as MemberTable
from db.reads.counts import Counts, counts_by_status
from db.reads.paging import PAGE_ROWS, Page, page, place_of, require_limit
from db.reads.people import Person, person_columns
from db.reads.views import PROJECT, WORKER
from jobs.entities import ProjectStatus, Role, TaskStatus
from jobs.values import Text

MEMBER = table_of(MemberTable)


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """The counters hold what is not folded into the project's row yet; `owner` is a handle."""

    id: UUID
    slug: str
    name: str
    description: str | None
    status: str
    approval_policy: str
    budget: dict[str, Any] | None
    attributes: dict[str, Any]
    task_count: int
    completed_count: int
    version: int
    created_at: datetime
    updated_at: datetime
    owner: str | None


@dataclass(frozen=True, slots=True)
class MemberRow:
    person: Person
    role: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class OneProject:
    """`counts`: of every status."""

    project: ProjectRow
    members: list[MemberRow]
    counts: Counts


COLUMNS = [field.name for field in fields(ProjectRow)][:-1]
IS_OWNER = and_(
    MEMBER.c.tenant_id == PROJECT.c.tenant_id,
    MEMBER.c.project_id == PROJECT.c.id,
    MEMBER.c.role == Role.OWNER.value,
)


async def list_projects(
    connection: AsyncConnection,
    tenant_id: UUID,
    status: ProjectStatus | None = None,
    *,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[ProjectRow]:
    """A page of the tenant's live projects by slug. One statement.

    Raises BadLimit and BadCursor.
    """
    require_limit(limit)
    statement = _rows(tenant_id)
    if status is not None:
        statement = statement.where(PROJECT.c.status == status.value)
    if after is not None:
        statement = statement.where(PROJECT.c.slug > place_of(after, Text)[0])
    rows = await connection.execute(statement.order_by(PROJECT.c.slug).limit(limit + 1))
    return page([ProjectRow(*row) for row in rows], limit, lambda row: (row.slug,))


async def one_project(connection: AsyncConnection, tenant_id: UUID, slug: str) -> OneProject | None:
    """The live project of this slug. Three statements, or one where there is none."""
    found = (await connection.execute(_rows(tenant_id).where(PROJECT.c.slug == slug))).one_or_none()
    if found is None:
        return None
    project = ProjectRow(*found)
    members = await connection.execute(_members(tenant_id, project.id))
    counts = await counts_by_status(connection, tenant_id, project.id)
    return OneProject(
        project,
        [MemberRow(Person(*row[2:]), row.role, row.joined_at) for row in members],
        counts.get(project.id, dict.fromkeys(TaskStatus, 0)),
    )


def _rows(tenant_id: UUID) -> Select[Any]:
    owner = and_(WORKER.c.tenant_id == MEMBER.c.tenant_id, WORKER.c.id == MEMBER.c.worker_id)
    return (
        select(*(PROJECT.c[name] for name in COLUMNS), WORKER.c.handle)
        .select_from(PROJECT.outerjoin(MEMBER, IS_OWNER).outerjoin(WORKER, owner))
        .where(PROJECT.c.tenant_id == tenant_id)
    )


def _members(tenant_id: UUID, project_id: UUID) -> Select[Any]:
    who = and_(WORKER.c.tenant_id == MEMBER.c.tenant_id, WORKER.c.id == MEMBER.c.worker_id)
    return (
        select(MEMBER.c.role, MEMBER.c.joined_at, *person_columns(WORKER))
        .select_from(MEMBER.join(WORKER, who))
        .where(MEMBER.c.tenant_id == tenant_id, MEMBER.c.project_id == project_id)
        .order_by(MEMBER.c.role.desc(), WORKER.c.handle)
    )
