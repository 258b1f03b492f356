"""Tasks for people: tables and trees on stdout."""

from collections.abc import Iterator, Sequence

import click

from db.reads.deletions import Deleted
from db.reads.one_task import OneTask
from db.reads.paging import Page
from db.reads.people import Person
from db.reads.subtree import Branch
from db.reads.task_row import TaskRow
from jobs.entities import Event
from ops.cells import NOTHING, text, time
from ops.output import notice_more, print_table

COLUMNS = ("id", "project", "status", "priority", "%", "due", "assignee", "title")
EVENT_COLUMNS = ("seq", "at", "kind", "actor", "new values")
INDENT = "  "


def draw_list(page: Page[TaskRow]) -> None:
    _draw("Tasks", page.rows)
    notice_more(page.after)


def draw_one(shown: OneTask) -> None:
    print_table(shown.task.title, ("what", "value"), _facts(shown))
    if shown.parent is not None:
        _draw("Parent", [shown.parent])
    for title, tasks in (
        ("Subtasks", shown.subtasks),
        ("Depends on", [edge.task for edge in shown.dependencies]),
        ("Is waited for by", [edge.task for edge in shown.dependents]),
    ):
        if tasks:
            _draw(title, tasks)


def draw_tree(branch: Branch, depth: int = 0) -> None:
    cut = "  …" if branch.is_cut else ""
    task = branch.task
    click.echo(f"{INDENT * depth}{task.title}  [{task.status}, {branch.progress:.0f} %]{cut}")
    for child in branch.subtasks:
        draw_tree(child, depth + 1)


def draw_deleted(page: Page[Deleted]) -> None:
    rows = ((gone.id, gone.entity_type, time(gone.deleted_at), gone.title) for gone in page.rows)
    print_table("Deleted", ("id", "what", "when", "title"), rows)
    notice_more(page.after)


def draw_history(events: Sequence[Event]) -> None:
    rows = (
        (event.seq, time(event.at), event.kind, event.actor_name or "system", text(event.data))
        for event in events
    )
    print_table("History", EVENT_COLUMNS, rows)


def _draw(title: str, tasks: Sequence[TaskRow]) -> None:
    rows = (
        (
            task.id,
            task.project_slug,
            _status(task),
            task.priority,
            task.progress,
            time(task.due_at),
            task.assignee or NOTHING,
            task.title,
        )
        for task in tasks
    )
    print_table(title, COLUMNS, rows)


def _status(task: TaskRow) -> str:
    """With what is computed of it."""
    marks = [mark for mark in ("waiting", "overdue") if getattr(task, mark)]
    return ", ".join([task.status, *marks])


def _facts(shown: OneTask) -> Iterator[tuple[str, str]]:
    task = shown.task
    yield "id", str(task.id)
    yield "status", _status(task)
    yield "project", f"{shown.project.slug} ({shown.project.status})"
    yield "priority", task.priority
    yield "progress", f"{task.progress} %"
    yield "assignee", _handle(shown.assignee)
    yield "creator", _handle(shown.creator)
    yield "attempt", f"{task.attempt} of {task.max_attempts} have failed"
    yield "due", time(task.due_at)
    yield "created", time(task.created_at)
    yield "updated", f"{time(task.updated_at)}, version {task.version}"
    if shown.lease is not None:
        yield "held by", f"{_handle(shown.lease.holder)} until {time(shown.lease.expires_at)}"
    for name in ("description", "blocked_reason"):
        if getattr(task, name):
            yield name.replace("_", " "), getattr(task, name)
    for name in ("tags", "attributes", "question", "result", "failure", "budget", "usage"):
        if getattr(task, name):
            yield name, text(getattr(task, name))


def _handle(person: Person | None) -> str:
    return NOTHING if person is None else person.handle
