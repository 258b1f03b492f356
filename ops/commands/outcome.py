"""`taskrail outcome`."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

import click

from ops.engines import opened
from ops.failure import CommandFailed
from ops.loop import run
from ops.outcomes import sentence
from ops.output import json_option, print_json
from ops.queue import opened_queue, producer
from ops.servers import servers
from ops.tenants import find
from settings import Settings


@click.command
@click.argument("job_id", type=click.UUID)
@click.option("--tenant", default="demo", show_default=True, help="Slug of the job's tenant.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Seconds."
)
@json_option
def command(job_id: UUID, tenant: str, timeout: float, *, as_json: bool) -> None:
    """Say how the job JOB_ID ended; wait for it up to --timeout seconds.

    Exit code 1 if no outcome is known by then.
    """
    with servers() as running:
        outcome = run(_outcome(running.settings, tenant, job_id, timeout))
    if as_json:
        print_json(outcome)
    else:
        click.echo(sentence(outcome))


async def _outcome(settings: Settings, tenant: str, job_id: UUID, seconds: float) -> dict[str, Any]:
    async with (
        opened(settings, "reader") as reader,
        opened_queue(settings) as redis,
        aclosing(producer(settings, redis, reader)) as asking,
    ):
        tenant_id = await find(reader, tenant)
        try:
            return await asking.outcome(tenant_id, job_id, seconds)
        except TimeoutError:
            raise CommandFailed(
                f"No outcome of {job_id}",
                f"tenant {tenant} has not settled it within {seconds:g} s",
                "check the id and that a worker runs; --timeout waits longer.",
            ) from None
