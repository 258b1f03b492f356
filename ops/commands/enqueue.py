"""`taskrail enqueue`."""

import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.envelope import PAYLOADS, VERSIONS, WIRE_KINDS
from ops.engines import opened
from ops.failure import CommandFailed
from ops.intake.lines import Defaults, Line, read_lines, read_one
from ops.intake.parameters import payload_of
from ops.intake.people import worker_id
from ops.intake.send import Answer, send
from ops.loop import run
from ops.outcomes import sentence
from ops.output import json_option, notice, print_json, print_table, steps
from ops.processes import worker_processes
from ops.queue import opened_queue, producer
from ops.servers import Running, servers
from ops.tenants import find


@dataclass(frozen=True, slots=True)
class Request:
    """What the arguments ask for: lines of a file, or one envelope by hand."""

    tenant: str
    actor: str | None
    wait_seconds: float | None
    durable: bool
    lines: Sequence[str] = ()
    envelope: dict[str, Any] | None = None


@click.command
@click.argument("source", metavar="FILE|-|KIND", required=False)
@click.option("-p", "parameters", multiple=True, help="Of a KIND: key=text or key:=JSON.")
@click.option("--actor", help="Who asks: @handle or id of a worker; nobody if not given.")
@click.option("--id", "job_id", type=click.UUID, help="Of a KIND: the job's id, a UUIDv7.")
@click.option("--after", type=click.UUID, multiple=True, help="Of a KIND: a job to wait for.")
@click.option("--tenant", default="demo", show_default=True, help="Slug of the jobs' tenant.")
@click.option(
    "--durable", is_flag=True, help="Record them in the ledger, all or none; Redis may be away."
)
@click.option("--wait", is_flag=True, help="Wait for the outcomes.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds."
)
@click.option("--kinds", is_flag=True, help="List what can be asked, and end.")
@json_option
def command(  # noqa: PLR0913 - one parameter an option
    source: str | None,
    *,
    parameters: tuple[str, ...],
    actor: str | None,
    job_id: UUID | None,
    after: tuple[UUID, ...],
    tenant: str,
    durable: bool,
    timeout: float,
    wait: bool,
    kinds: bool,
    as_json: bool,
) -> None:
    """Send jobs: the lines of FILE (- is standard input), or one of KIND by hand.

    Each line is one envelope in JSON. What it leaves out of id, tenant_id, actor_id, issued_at and
    schema_version is filled in. A bad line is reported and keeps no other from being sent. Exit
    code 1 if a line was bad or, with --wait, not applied.
    """
    if kinds:
        show_kinds(as_json=as_json)
        return
    envelope, lines = None, []
    if source in WIRE_KINDS:
        envelope = _by_hand(source, parameters, job_id, after)
    else:
        lines = _lines(source, by_hand=bool(parameters or job_id or after))
    request = Request(tenant, actor, timeout if wait else None, durable, lines, envelope)
    with servers() as running:
        answers = run(_enqueue(running, request))
    show(answers, as_json=as_json)
    if not all(answer.is_good for answer in answers):
        sys.exit(1)


def show_kinds(*, as_json: bool) -> None:
    kinds = [
        {
            "kind": kind,
            "description": (PAYLOADS[kind].__doc__ or "").strip(),
            "required": [n for n, f in PAYLOADS[kind].model_fields.items() if f.is_required()],
            "optional": [n for n, f in PAYLOADS[kind].model_fields.items() if not f.is_required()],
        }
        for kind in WIRE_KINDS
    ]
    if as_json:
        print_json({"kinds": kinds})
        return
    rows = [
        (kind["kind"], ", ".join(kind["required"]), ", ".join(kind["optional"])) for kind in kinds
    ]
    print_table("Kinds of jobs", ("kind", "required", "optional"), rows)


def show(answers: Sequence[Answer], *, as_json: bool) -> None:
    refused = sum(answer.status not in {"queued", "applied", "bad"} for answer in answers)
    bad = sum(answer.status == "bad" for answer in answers)
    if as_json:
        numbers = {"sent": len(answers) - bad, "refused": refused, "bad": bad}
        print_json({**numbers, "lines": [asdict(answer) for answer in answers]})
        return
    for answer in answers:
        what = answer.message if answer.outcome is None else sentence(answer.outcome)
        click.echo(
            f"{answer.line}: {answer.kind or 'bad line'} {answer.id or ''} {what or 'queued'}"
        )
    notice(f"{len(answers) - bad} jobs sent, {refused} of them not applied; {bad} bad lines")


def _by_hand(
    kind: str, parameters: Sequence[str], job_id: UUID | None, after: Sequence[UUID]
) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "kind": kind,
        "schema_version": VERSIONS[kind],
        "payload": payload_of(parameters),
    }
    if job_id is not None:
        envelope["id"] = str(job_id)
    if after:
        envelope["after"] = [str(before) for before in after]
    return envelope


def _lines(source: str | None, *, by_hand: bool) -> list[str]:
    if source is None:
        raise click.UsageError("Name a FILE, - for standard input, or a KIND (--kinds lists them).")
    if by_hand:
        raise click.UsageError(f"There is no kind {source}; -p, --id and --after belong to a KIND.")
    try:
        with click.open_file(source, encoding="utf-8", errors="surrogateescape") as file:
            return list(file)
    except OSError as error:
        raise CommandFailed(
            "Nothing was sent", f"{source}: {error.strerror}", "name a readable file, or a KIND."
        ) from None


async def _enqueue(running: Running, request: Request) -> list[Answer]:
    settings = running.settings
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(opened(settings, "reader"))
        redis = await stack.enter_async_context(opened_queue(settings))
        ledger = None
        if request.durable:
            ledger = await stack.enter_async_context(opened(settings, "producer"))
        lines = await _read(reader, request)
        if running.is_supervisor and request.wait_seconds is not None:
            await stack.enter_async_context(worker_processes(1, log=DEVNULL))
        step = stack.enter_context(steps(len(lines)))
        sender = await stack.enter_async_context(aclosing(producer(settings, redis, reader)))
        return await send(sender, lines, request.wait_seconds, step, ledger)


async def _read(reader: AsyncEngine, request: Request) -> list[Line]:
    tenant_id = await find(reader, request.tenant)
    defaults = Defaults(tenant_id, await worker_id(reader, tenant_id, request.actor))
    if request.envelope is not None:
        return [read_one(request.envelope, defaults)]
    return list(read_lines(request.lines, defaults))
