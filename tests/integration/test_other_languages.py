"""Producers without this library: the page that tells them how is run as it stands."""

import asyncio
import re
from asyncio.subprocess import PIPE
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy.engine import make_url

from ops.checkout import CHECKOUT
from ops.embedded.account import server_account
from ops.embedded.binaries import postgres_programs
from settings import Settings
from tests.workers import Scene
from worker.consumer import Consumer
from worker.loops.sweeper import Sweeper

PAGE = CHECKOUT / "docs" / "how-to" / "produce-from-another-language.md"
PROGRAMS = postgres_programs(server_account())


def listing(language: str) -> str:
    """The page's example in that language."""
    (found,) = re.findall(
        rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    return str(found)


def environ(settings: Settings) -> dict[str, str]:
    """Where psql finds the database, in which it may do what producers may."""
    url = make_url(settings.resolved_database_url.get_secret_value())
    return {
        "PATH": f"{PROGRAMS}:/usr/bin:/bin",
        "PGHOST": str(url.query.get("host", url.host)),
        "PGPORT": str(url.query.get("port", url.port or 5432)),
        "PGUSER": str(url.username),
        "PGDATABASE": str(url.database),
        "PGOPTIONS": "-c role=taskrail_producer",
    }


async def printed(scene: Scene, *command: str, given: str = "") -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env=environ(scene.settings), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    answer, complaint = await process.communicate(given.encode())
    assert (process.returncode, complaint) == (0, b"")
    return answer.decode()


@pytest.fixture
async def ours(scene: Scene) -> dict[str, str]:
    """What the examples ask for: a task, and who comments on it."""
    task = scene.cast.task()
    await scene.producer.enqueue(task)
    await scene.drain(Consumer)
    names = {"tenant": task.tenant_id, "actor": scene.cast.owner, "task": task.payload.task_id}
    return {name: str(value) for name, value in names.items()}


async def outcome(scene: Scene, job_id: str) -> tuple[str, list[str]]:
    """How the job ended, and what is said about the task."""
    await scene.drain(Consumer)
    ended = await scene.producer.outcome(scene.cast.tenant_id, UUID(job_id), 10)
    comments = await scene.engine.execute("SELECT body FROM taskrail.comment")
    return ended["status"], [row["body"] for row in comments]


async def test_what_psql_records_is_applied(scene: Scene, ours: dict[str, str]) -> None:
    variables = [part for name in ours for part in ("-v", f"{name}={ours[name]}")]
    said = await printed(
        scene, "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *variables, given=listing("sql")
    )
    job_id, status, conflict = said.strip().split("|")
    await scene.engine.execute(
        "UPDATE taskrail.job SET next_feed_at = now() WHERE id = :id", id=job_id
    )
    await Sweeper().sweep(scene.engine.runtime)

    assert (status, conflict) == ("accepted", "f")
    assert await outcome(scene, job_id) == ("applied", ["Said in psql"])


async def test_what_perl_records_and_wakes_is_applied_without_a_sweep(
    scene: Scene, ours: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "produce.pl"
    program.write_text(listing("perl"))
    socket = urlsplit(scene.settings.resolved_redis_url.get_secret_value()).path

    job_id = (await printed(scene, "perl", str(program), socket, *ours.values())).strip()

    assert await outcome(scene, job_id) == ("applied", ["Said in Perl"])
