"""At 100,000 tasks every hot statement goes through an index and looks at few rows.

The statements are those that the product sends, with its roles and settings; the server tells their
plans (auto_explain). `examined`: rows of the large tables that were looked at, wanted or not.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.activity import activity
from db.reads.counts import counts_by_status
from db.reads.deletions import deletions
from db.reads.filters import Filters
from db.reads.one_task import one_task
from db.reads.projects import one_project
from db.reads.ready import ready_tasks
from db.reads.subtree import subtree
from db.reads.task_list import Order, Sort, list_tasks
from db.reads.time_travel import history
from db.reads.workers import completions, list_workers
from jobs.entities import Priority, TaskStatus
from tests.planning import Seed, told

LARGE = ("task", "wording", "event", "dependency", "lease")
WEEK_AGO = datetime.now(UTC) - timedelta(days=7)

Read = Callable[[AsyncConnection, Seed], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Hot:
    """What is read, through which index, and how many rows it may look at."""

    read: Read
    index: str
    most: int


def listed(sort: Sort = Sort.CREATED, /, *, descending: bool = True, **filters: object) -> Read:
    """The first page, and the one that follows it."""

    async def read(connection: AsyncConnection, seed: Seed) -> None:
        own = {name: getattr(seed, str(value)) for name, value in filters.items() if value in OWN}
        wanted = Filters(**(filters | own))  # type: ignore[arg-type]  # the table below says the types
        order = Order(sort, descending=descending)
        first = await list_tasks(connection, seed.tenant_id, wanted, order)
        if first.after is not None:
            await list_tasks(connection, seed.tenant_id, wanted, order, after=first.after)

    return read


OWN = ("project_id", "worker")
"""Stand for the seed's own in filters."""
PLAIN = {
    "newest": Hot(listed(), "ix_task_by_creation", 200),
    "oldest": Hot(listed(descending=False), "ix_task_by_creation", 200),
    "due soon": Hot(listed(Sort.DUE, descending=False), "ix_task_by_due", 400),
    "due last": Hot(listed(Sort.DUE), "ix_task_by_due", 400),
    "urgent": Hot(listed(Sort.PRIORITY), "ix_task_by_priority", 200),
    "by title": Hot(listed(Sort.TITLE, descending=False), "ix_task_by_title", 200),
    "pending in a project": Hot(
        listed(project_id="project_id", statuses=(TaskStatus.PENDING,)), "ix_task_by_project", 2_000
    ),
    "due in a project": Hot(
        listed(Sort.DUE, descending=False, project_id="project_id"), "", 10_000
    ),
    "of an assignee": Hot(listed(assignee_id="worker"), "ix_task_by_assignee", 2_000),
    "critical": Hot(listed(priorities=(Priority.CRITICAL,)), "", 2_000),
    "overdue": Hot(listed(Sort.DUE, descending=False, is_overdue=True), "ix_task_by_due", 1_000),
    "waiting": Hot(listed(is_waiting=True), "", 5_000),
    "undue": Hot(listed(has_due_date=False), "ix_task_by_creation", 1_000),
    "one task": Hot(lambda db, s: one_task(db, s.tenant_id, s.root), "pk_task", 100),
    "subtree": Hot(lambda db, s: subtree(db, s.tenant_id, s.root), "ix_task_by_parent", 100),
    "history": Hot(lambda db, s: history(db, s.tenant_id, s.root), "pk_event", 10),
    "ready": Hot(lambda db, s: ready_tasks(db, s.tenant_id, s.worker), "", 5_000),
    "counts of a project": Hot(
        lambda db, s: counts_by_status(db, s.tenant_id, s.project_id), "ix_task_by_project", 5_000
    ),
    "one project": Hot(
        lambda db, s: one_project(db, s.tenant_id, s.slug), "ix_task_by_project", 5_000
    ),
    "workers": Hot(lambda db, s: list_workers(db, s.tenant_id), "ix_lease_by_holder", 10_000),
    "completions": Hot(
        lambda db, s: completions(db, s.tenant_id, s.worker, WEEK_AGO), "ix_task_by_assignee", 500
    ),
    "activity": Hot(
        lambda db, s: activity(db, s.tenant_id, s.project_id, WEEK_AGO), "ix_event_by_time", 40_000
    ),
    "deletions": Hot(lambda db, s: deletions(db, s.tenant_id), "ix_task_by_deletion", 5_000),
}
SEARCHES = {
    "rare tag": Hot(listed(tags=("batch-77",)), "ix_wording_tags", 1_000),
    "tag in a project": Hot(
        listed(tags=("garden",), project_id="project_id"), "ix_wording_by_project", 5_000
    ),
    "rare text": Hot(listed(text="lantern 777"), "ix_wording_words", 1_000),
    "text of nobody": Hot(listed(text="zzzz"), "ix_wording_words", 100),
}


@pytest.mark.parametrize("name", PLAIN | SEARCHES)
async def test_a_read_goes_through_its_index_and_looks_at_few_rows(name: str, seeded: Seed) -> None:
    hot = (PLAIN | SEARCHES)[name]
    async with seeded.explained("reader") as (connection, plans):
        await told(connection, plans, hot.read(connection, seeded))

    assert plans.scanned_whole.isdisjoint(LARGE)
    assert plans.spilled == []
    assert hot.index in plans.indexes | {""}
    assert plans.examined(*LARGE) <= hot.most


@pytest.mark.parametrize("name", PLAIN)
async def test_under_row_level_security_plain_comparisons_reach_the_index_too(
    name: str, seeded: Seed
) -> None:
    hot = PLAIN[name]
    async with seeded.explained("worker") as (connection, plans):
        await told(connection, plans, hot.read(connection, seeded))

    assert plans.scanned_whole.isdisjoint(LARGE)
    assert plans.spilled == []
    assert hot.index in plans.indexes | {""}
    assert plans.examined(*LARGE) <= hot.most


@pytest.mark.parametrize("name", SEARCHES)
async def test_under_row_level_security_a_search_does_not_reach_its_index(
    name: str, seeded: Seed
) -> None:
    """Their operators are not leakproof, so the policy comes first. The reader has no policy."""
    hot = SEARCHES[name]
    async with seeded.explained("worker") as (connection, plans):
        await told(connection, plans, hot.read(connection, seeded))

    assert plans.indexes.isdisjoint({"ix_wording_tags", "ix_wording_words"})


async def test_a_page_far_behind_costs_what_the_first_does(seeded: Seed) -> None:
    order = Order(Sort.CREATED)
    async with seeded.explained("reader") as (connection, plans):
        page = await list_tasks(connection, seeded.tenant_id, order=order, limit=100)
        for _ in range(30):
            page = await list_tasks(
                connection, seeded.tenant_id, order=order, limit=100, after=page.after
            )
        deep = list_tasks(connection, seeded.tenant_id, order=order, limit=100, after=page.after)
        await told(connection, plans, deep)

    assert plans.examined(*LARGE) <= 101
