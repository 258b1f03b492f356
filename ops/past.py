"""What commands ask of a task's past: as it was, and what became different."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.time_travel import Moment, NoSuchMoment, TaskUnknown, as_of, diff, history
from jobs.changes import own_columns
from jobs.difference import reason
from jobs.values import INT64_MAX
from ops.cells import text
from ops.failure import CommandFailed
from ops.output import print_json, print_table
from ops.reading import Query, no_task
from ops.task_tables import draw_history

ResultT = TypeVar("ResultT")
CHANGE_COLUMNS = ("what", "old", "new")
WHY_COLUMNS = ("seq", "kind", "by", "why")


class MomentType(click.ParamType[Moment]):
    """A version of the task, or a time with its offset."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Moment:
        if isinstance(value, int | datetime):
            return value
        if str(value).isdecimal() and int(value) <= INT64_MAX:
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a version nor a time.", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value} needs an offset, such as {value}Z.", param, ctx)
        return moment


def whole(task_id: UUID, *, after: int, limit: int) -> Query[dict[str, Any]]:
    """A page of all that happened."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> dict[str, Any]:
        events = await history(connection, tenant_id, task_id, after_seq=after, limit=limit)
        return {"events": events, "after": events[-1].seq if events else after}

    return _of(task_id, query)


def at_moment(task_id: UUID, moment: Moment) -> Query[dict[str, Any]]:
    """The task as it was."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> dict[str, Any]:
        is_time = isinstance(moment, datetime)
        named: dict[str, Any] = {"at" if is_time else "version": moment}
        state = await as_of(connection, tenant_id, task_id, **named)
        return {
            "version": state.task.version,
            "task": own_columns(state.task),
            "lease": state.lease,
            "comments": state.comments,
            "dependencies": list(state.dependencies.values()),
        }

    return _of(task_id, query)


def between(task_id: UUID, old: Moment, new: Moment) -> Query[dict[str, Any]]:
    """What became different, through whom and why."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> dict[str, Any]:
        found = await diff(connection, tenant_id, task_id, old, new)
        told = [
            {"seq": e.seq, "at": e.at, "kind": e.kind, "by": e.actor_name, "why": reason(e)}
            for e in found.events
        ]
        return {
            "old_version": found.old_version,
            "new_version": found.new_version,
            "changed": found.changed,
            "events": told,
        }

    return _of(task_id, query)


def show(found: dict[str, Any], *, as_json: bool) -> None:
    """Prints what one of the queries above has found."""
    if as_json:
        print_json(found)
    elif "changed" in found:
        changes = ((change.name, text(change.old), text(change.new)) for change in found["changed"])
        print_table("Changes", CHANGE_COLUMNS, changes)
        told = found["events"]
        events = ((e["seq"], e["kind"], e["by"] or "system", e["why"] or "") for e in told)
        print_table("Through", WHY_COLUMNS, events)
    elif "task" in found:
        facts = [(name, text(value)) for name, value in found["task"].items()]
        facts += [(name, text(found[name])) for name in ("lease", "comments", "dependencies")]
        print_table(f"Version {found['version']}", ("what", "value"), facts)
    else:
        draw_history(found["events"])


def _of(task_id: UUID, query: Query[ResultT]) -> Query[ResultT]:
    """The query, with what it may not find said in the words of commands."""

    async def said(connection: AsyncConnection, tenant_id: UUID) -> ResultT:
        try:
            return await query(connection, tenant_id)
        except TaskUnknown:
            raise no_task(task_id) from None
        except NoSuchMoment as error:
            raise CommandFailed(
                f"No such moment of task {task_id}",
                str(error),
                "`taskrail tasks history ID` shows all of them.",
            ) from None

    return said
