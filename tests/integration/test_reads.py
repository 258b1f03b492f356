"""Lists of tasks: what they hold, in what order, page by page."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db.reads.filters import Filters
from db.reads.paging import BadCursor, BadLimit, Page, cursor
from db.reads.task_list import Order, Sort, count_tasks, list_tasks
from db.reads.task_row import TaskRow
from jobs.entities import Priority, TaskStatus
from jobs.payloads.lifecycle import ClaimTask, CompleteTask
from jobs.payloads.task import AssignTask, DeleteTask, NewDependency, RestoreTask
from tests.asking import Cast
from tests.engine import Engine, batch_engine
from tests.reading import done, made

NOW = datetime.now(UTC)
DAY = timedelta(days=1)

engine = batch_engine


async def found(
    reader: AsyncConnection, cast: Cast, sort: Sort = Sort.CREATED, /, **filters: object
) -> list[str]:
    """The titles of a list, ascending."""
    order = Order(sort, descending=False)
    page = await list_tasks(reader, cast.tenant_id, Filters(**filters), order)  # type: ignore[arg-type]  # the test says the types
    assert await count_tasks(reader, cast.tenant_id, Filters(**filters)) == len(page.rows)  # type: ignore[arg-type]  # the same
    return [task.title for task in page.rows]


async def test_a_list_is_filtered_by_project_and_assignee_and_status(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    free, held, finished = await made(engine, cast, "Free", "Held", "Finished")
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=held)))
    await done(engine, cast.by(cast.owner, AssignTask(task_id=finished, worker_id=cast.human)))
    await done(engine, cast.by(cast.human, CompleteTask(task_id=finished)))

    assert await found(reader, cast, project_id=cast.project_id) == ["Free", "Held", "Finished"]
    assert await found(reader, cast, project_id=free) == []
    assert await found(reader, cast, assignee_id=cast.agent) == ["Held"]
    assert await found(reader, cast, statuses=(TaskStatus.PENDING,)) == ["Free"]
    both = (TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED)
    assert await found(reader, cast, statuses=both) == ["Held", "Finished"]


async def test_a_list_is_filtered_by_priority_and_by_all_of_the_tags(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    await made(engine, cast, "A", tags=["red", "blue"], priority="high")
    await made(engine, cast, "B", tags=["red"], priority="critical")
    await made(engine, cast, "C", tags=["red", "blue", "green"])

    assert await found(reader, cast, tags=("red", "blue")) == ["A", "C"]
    assert await found(reader, cast, tags=("red",)) == ["A", "B", "C"]
    assert await found(reader, cast, priorities=(Priority.HIGH, Priority.CRITICAL)) == ["A", "B"]


async def test_a_text_is_found_in_title_or_description_in_any_case(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    await made(engine, cast, "Paint the Garden")
    await made(engine, cast, "Sing", description="loudly in the gardEn")
    await made(engine, cast, "Sleep")

    assert await found(reader, cast, text="garden") == ["Paint the Garden", "Sing"]


@pytest.mark.parametrize(("text", "title"), [("50%", "50% off"), ("a_b", "a_b"), ("\\n", "c\\n")])
async def test_what_is_a_pattern_to_sql_is_plain_text_in_a_search(
    engine: Engine, cast: Cast, reader: AsyncConnection, text: str, title: str
) -> None:
    await made(engine, cast, "50 percent", "50% off", "axb", "a_b", "cn", "c\\n")

    assert await found(reader, cast, text=text) == [title]


def test_a_search_for_more_than_200_characters_is_refused() -> None:
    with pytest.raises(ValueError, match="200 characters"):
        Filters(text="x" * 201)


def test_a_search_for_what_cannot_be_stored_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        Filters(text="a\0b")


async def test_what_is_due_is_found_and_what_is_overdue_is_open(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    await made(engine, cast, "Some day")
    await made(engine, cast, "Soon", due_at=NOW + DAY)
    await made(engine, cast, "Late", due_at=NOW - DAY)
    (finished,) = await made(engine, cast, "Done late", due_at=NOW - DAY)
    await done(engine, cast.by(cast.owner, CompleteTask(task_id=finished)))

    assert await found(reader, cast, has_due_date=False) == ["Some day"]
    assert await found(reader, cast, has_due_date=True) == ["Soon", "Late", "Done late"]
    assert await found(reader, cast, is_overdue=True) == ["Late"]
    assert await found(reader, cast, is_overdue=False) == ["Some day", "Soon", "Done late"]


async def test_a_task_waits_until_what_it_depends_on_is_completed(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    (first,) = await made(engine, cast, "First")
    await made(engine, cast, "Second", depends_on=[NewDependency(task_id=first)])
    assert await found(reader, cast, is_waiting=True) == ["Second"]
    assert await found(reader, cast, is_waiting=False) == ["First"]

    await done(engine, cast.by(cast.owner, CompleteTask(task_id=first)))

    assert await found(reader, cast, is_waiting=True) == []


@pytest.mark.parametrize(
    ("sort", "ascending"),
    [
        (Sort.CREATED, ["B", "A", "D", "C"]),
        (Sort.TITLE, ["A", "B", "C", "D"]),
        (Sort.PRIORITY, ["C", "A", "D", "B"]),
        (Sort.DUE, ["D", "A", "B", "C"]),
    ],
)
async def test_each_order_is_that_of_its_values_with_undue_tasks_last(
    engine: Engine, cast: Cast, reader: AsyncConnection, sort: Sort, ascending: list[str]
) -> None:
    await made(engine, cast, "B", priority="critical")
    await made(engine, cast, "A", priority="medium", due_at=NOW + DAY)
    await made(engine, cast, "D", priority="high", due_at=NOW - DAY)
    await made(engine, cast, "C", priority="low")

    assert await found(reader, cast, sort) == ascending
    page = await list_tasks(reader, cast.tenant_id, order=Order(sort, descending=True))
    assert [task.title for task in page.rows] == ascending[::-1]


@pytest.mark.parametrize(
    "order", [Order(sort, descending) for sort in Sort for descending in (False, True)]
)
async def test_pages_are_disjoint_and_complete_while_tasks_are_added(
    engine: Engine, cast: Cast, reader: AsyncConnection, order: Order
) -> None:
    """Equal values on both sides of each border; half of the tasks are never due."""
    jobs = [
        cast.task(title=f"T{n // 3}", priority="high" if n % 2 else "low", due_at=due)
        for n in range(20)
        for due in [NOW + DAY * (n // 4) if n % 2 else None]
    ]
    await done(engine, *jobs)
    there = {job.payload.task_id for job in jobs}

    seen: list[UUID] = []
    after = None
    while True:
        page = await list_tasks(reader, cast.tenant_id, order=order, limit=3, after=after)
        seen += [task.id for task in page.rows]
        await made(engine, cast, "Between")
        if page.after is None or len(seen) > 50:
            break
        after = page.after

    assert there <= set(seen)
    assert len(seen) == len(set(seen))


async def test_the_last_page_says_that_it_is_the_last(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    await made(engine, cast, "A", "B")

    whole = await list_tasks(reader, cast.tenant_id, limit=2)
    half = await list_tasks(reader, cast.tenant_id, limit=1)

    assert whole.after is None
    assert half.after is not None


@pytest.mark.parametrize(
    "after",
    [
        "",
        "nonsense",
        "é",
        "bm8",
        cursor(("title", True, "A", UUID(int=1))),
        cursor(("created", True)),
    ],
)
async def test_what_is_no_cursor_of_this_list_is_refused(
    cast: Cast, reader: AsyncConnection, after: str
) -> None:
    with pytest.raises(BadCursor, match="cursor"):
        await list_tasks(reader, cast.tenant_id, after=after)


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_a_page_has_1_to_100_rows(cast: Cast, reader: AsyncConnection, limit: int) -> None:
    with pytest.raises(BadLimit, match="1 to 100"):
        await list_tasks(reader, cast.tenant_id, limit=limit)


async def test_what_is_deleted_is_in_no_list_until_it_is_restored(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    parent, _ = await made(engine, cast, "Parent", "Other")
    await made(engine, cast, "Child", parent_id=parent)

    await done(engine, cast.by(cast.owner, DeleteTask(task_id=parent)))
    assert await found(reader, cast) == ["Other"]
    await done(engine, cast.by(cast.owner, RestoreTask(task_id=parent)))
    assert await found(reader, cast) == ["Parent", "Other", "Child"]
    await engine.execute("UPDATE taskrail.project SET deleted_at = clock_timestamp()")
    assert await found(reader, cast) == []


async def test_another_tenant_sees_none_of_it(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    await made(engine, cast, "Ours")

    page: Page[TaskRow] = await list_tasks(reader, uuid7())

    assert page.rows == []
