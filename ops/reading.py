"""How commands read: as the reader, one tenant, one snapshot."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.reads.names import project_called, worker_called
from db.reads.paging import MAX_LIMIT, PAGE_ROWS, BadCursor
from ops.engines import opened
from ops.failure import CommandFailed
from ops.loop import run
from ops.servers import servers
from ops.tenants import find
from settings import Settings

ResultT = TypeVar("ResultT")
Query = Callable[[AsyncConnection, UUID], Awaitable[ResultT]]

tenant_option = click.option(
    "--tenant", default="demo", show_default=True, help="Slug of the tenant."
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, MAX_LIMIT),
    default=PAGE_ROWS,
    show_default=True,
    help="Rows of a page.",
)
after_option = click.option("--after", metavar="CURSOR", help="The page behind this cursor.")


GROUPS_OWN = {"-h", "--help", "-v", "--verbose"}


class Listing(click.Group):
    """Its `list` is what it does when it is not told what to do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_untold = not args or (args[0].startswith("-") and args[0] not in GROUPS_OWN)
        return super().parse_args(ctx, ["list", *args] if is_untold else args)


def words(kind: type[StrEnum]) -> click.Choice[str]:
    """The values of an enumeration; click itself would offer the names of its members."""
    return click.Choice([member.value for member in kind])


def read(tenant: str, query: Query[ResultT]) -> ResultT:
    """What `query` returns for the tenant; a bad cursor is wrong usage."""
    with servers() as running:
        return run(_read(running.settings, tenant, query))


@asynccontextmanager
async def snapshot(reader: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """All that is read in the block is of one moment; a bad cursor there is wrong usage."""
    async with reader.connect() as connection:
        try:
            yield await connection.execution_options(isolation_level="REPEATABLE READ")
        except BadCursor as error:
            raise click.UsageError(str(error)) from None


async def its_project(connection: AsyncConnection, tenant_id: UUID, slug: str) -> UUID:
    """The id of the project with this slug; without one the command ends."""
    found = await project_called(connection, tenant_id, slug)
    if found is None:
        raise no_project(slug)
    return found


def no_project(slug: str) -> CommandFailed:
    return CommandFailed(
        f"No project {slug}",
        "the tenant has none of this slug, or it is deleted",
        "`taskrail projects` lists them.",
    )


async def its_worker(connection: AsyncConnection, tenant_id: UUID, named: str) -> UUID:
    """The id of the worker that is named by id or @handle; without one the command ends."""
    if named.startswith("@"):
        found = await worker_called(connection, tenant_id, named)
    else:
        found = _uuid(named)
    if found is None:
        raise CommandFailed(
            f"No worker {named}",
            "the tenant has none of this id or @handle",
            "`taskrail agents` lists them.",
        )
    return found


def no_task(task_id: UUID) -> CommandFailed:
    return CommandFailed(
        f"No task {task_id}",
        "the tenant has none of this id, or it is deleted",
        "`taskrail tasks list` shows those that are there.",
    )


async def _read(settings: Settings, tenant: str, query: Query[ResultT]) -> ResultT:
    async with opened(settings, "reader") as reader:
        tenant_id = await find(reader, tenant)
        async with snapshot(reader) as connection:
            return await query(connection, tenant_id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
