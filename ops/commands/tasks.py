"""`taskrail tasks`."""

from typing import Any
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.deletions import Deleted, deletions
from db.reads.filters import MAX_TEXT, Filters
from db.reads.one_task import OneTask, one_task
from db.reads.paging import Page
from db.reads.ready import ready_tasks
from db.reads.subtree import MAX_DEPTH, Branch, subtree
from db.reads.task_list import Order, Sort, list_tasks
from db.reads.task_row import TaskRow
from jobs.entities import Priority, TaskStatus
from ops import past, task_tables
from ops.output import json_option, print_json
from ops.past import MomentType
from ops.reading import (
    after_option,
    its_project,
    its_worker,
    limit_option,
    no_task,
    read,
    tenant_option,
    words,
)

WORDS = [priority.name.lower() for priority in Priority]
NATURAL_ORDERS = {
    Sort.CREATED: Order(Sort.CREATED, descending=True),
    Sort.DUE: Order(Sort.DUE, descending=False),
    Sort.PRIORITY: Order(Sort.PRIORITY, descending=True),
    Sort.TITLE: Order(Sort.TITLE, descending=False),
}
task_argument = click.argument("task_id", type=click.UUID)


@click.group
def command() -> None:
    """List tasks, and show one with what surrounds it."""


@command.command("list")
@click.option("--project", metavar="SLUG", help="Of this project.")
@click.option("--assignee", metavar="@HANDLE", help="Assigned to this worker; its id will do too.")
@click.option("--parent", type=click.UUID, metavar="ID", help="Direct subtasks of this task.")
@click.option("--status", type=words(TaskStatus), multiple=True, help="Any of these.")
@click.option("--priority", type=click.Choice(WORDS), multiple=True, help="Any of these.")
@click.option("--tag", multiple=True, help="All of these.")
@click.option("--text", help="In title or description, in any case.")
@click.option("--due/--undue", default=None, help="With a due date, or without.")
@click.option("--overdue", is_flag=True, default=None, help="Open, and the due date has passed.")
@click.option("--waiting", is_flag=True, default=None, help="For tasks that it depends on.")
@click.option(
    "--sort",
    type=words(Sort),
    default=Sort.CREATED.value,
    show_default=True,
    help="Newest, soonest, most urgent or first of the alphabet first.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@limit_option
@after_option
@tenant_option
@json_option
def list_command(*, tenant: str, as_json: bool, **given: Any) -> None:
    """List tasks, a page at a time; `after` of a page leads to the next one."""
    if len(given["text"] or "") > MAX_TEXT:
        raise click.UsageError(f"--text has at most {MAX_TEXT} characters.")

    async def query(connection: AsyncConnection, tenant_id: UUID) -> Page[TaskRow]:
        filters = await _filters(connection, tenant_id, given)
        order = _order(Sort(given["sort"]), is_reversed=given["reverse"])
        limits = (given["limit"], given["after"])
        return await list_tasks(connection, tenant_id, filters, order, *limits)

    page = read(tenant, query)
    if as_json:
        print_json({"tasks": page.rows, "after": page.after})
    else:
        task_tables.draw_list(page)


@command.command("show")
@task_argument
@tenant_option
@json_option
def show_command(task_id: UUID, tenant: str, *, as_json: bool) -> None:
    """Show the task TASK_ID with its project, people, subtasks and dependencies."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> OneTask | None:
        return await one_task(connection, tenant_id, task_id)

    shown = read(tenant, query)
    if shown is None:
        raise no_task(task_id)
    if as_json:
        print_json(shown)
    else:
        task_tables.draw_one(shown)


@command.command("tree")
@task_argument
@click.option(
    "--depth",
    type=click.IntRange(0, MAX_DEPTH),
    default=MAX_DEPTH,
    show_default=True,
    help="Levels below the task.",
)
@tenant_option
@json_option
def tree_command(task_id: UUID, depth: int, tenant: str, *, as_json: bool) -> None:
    """Show the task TASK_ID and what hangs below it, with the progress of all parts."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> Branch | None:
        return await subtree(connection, tenant_id, task_id, depth=depth)

    tree = read(tenant, query)
    if tree is None:
        raise no_task(task_id)
    if as_json:
        print_json(tree)
    else:
        task_tables.draw_tree(tree)


@command.command("history")
@task_argument
@click.option("--as-of", type=MomentType(), help="The task as it was: a version, or a time.")
@click.option("--diff", nargs=2, type=MomentType(), metavar="OLD NEW", help="What has changed.")
@limit_option
@click.option(
    "--after", type=click.IntRange(min=0), default=0, metavar="SEQ", help="What came after this."
)
@tenant_option
@json_option
def history_command(task_id: UUID, tenant: str, *, as_json: bool, **given: Any) -> None:
    """Show what happened to the task TASK_ID, the oldest first; also if it is deleted."""
    if given["as_of"] is not None and given["diff"] is not None:
        raise click.UsageError("--as-of and --diff do not go together.")
    if given["as_of"] is not None:
        query = past.at_moment(task_id, given["as_of"])
    elif given["diff"] is not None:
        query = past.between(task_id, *given["diff"])
    else:
        query = past.whole(task_id, after=given["after"], limit=given["limit"])
    past.show(read(tenant, query), as_json=as_json)


@command.command("ready")
@click.argument("worker", metavar="@HANDLE")
@limit_option
@tenant_option
@json_option
def ready_command(worker: str, limit: int, tenant: str, *, as_json: bool) -> None:
    """List what could be dispatched to the worker @HANDLE now, the best first."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> list[TaskRow]:
        worker_id = await its_worker(connection, tenant_id, worker)
        return await ready_tasks(connection, tenant_id, worker_id, limit=limit)

    tasks = read(tenant, query)
    if as_json:
        print_json({"tasks": tasks})
    else:
        task_tables.draw_list(Page(tasks, None))


@command.command("deleted")
@click.option("--days", type=click.IntRange(1, 3_650), default=30, show_default=True)
@limit_option
@after_option
@tenant_option
@json_option
def deleted_command(tenant: str, *, as_json: bool, **given: Any) -> None:
    """List what was deleted in the last days, the latest first."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> Page[Deleted]:
        return await deletions(connection, tenant_id, **given)

    page = read(tenant, query)
    if as_json:
        print_json({"deleted": page.rows, "after": page.after})
    else:
        task_tables.draw_deleted(page)


async def _filters(connection: AsyncConnection, tenant_id: UUID, given: dict[str, Any]) -> Filters:
    project, assignee = given["project"], given["assignee"]
    return Filters(
        project_id=project and await its_project(connection, tenant_id, project),
        assignee_id=assignee and await its_worker(connection, tenant_id, assignee),
        parent_id=given["parent"],
        statuses=tuple(map(TaskStatus, given["status"])),
        priorities=tuple(Priority[word.upper()] for word in given["priority"]),
        tags=given["tag"],
        text=given["text"],
        has_due_date=given["due"],
        is_overdue=given["overdue"],
        is_waiting=given["waiting"],
    )


def _order(sort: Sort, *, is_reversed: bool) -> Order:
    natural = NATURAL_ORDERS[sort]
    return Order(sort, natural.descending != is_reversed)
