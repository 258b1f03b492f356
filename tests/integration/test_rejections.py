"""Each code of the closed list is reached, says what to do, and changes nothing."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.errors import RejectionCode
from jobs.ids import derived_id
from jobs.payloads.lifecycle import (
    ClaimTask,
    CompleteTask,
    ExpireLease,
    ReportProgress,
    StartTask,
    SubmitTask,
)
from jobs.payloads.project import CreateProject, UpdateProject
from jobs.payloads.task import (
    AddDependency,
    CommentTask,
    CreateTask,
    MoveTask,
    NewDependency,
    UpdateTask,
)
from jobs.system import system_job
from tests.asking import Cast
from tests.engine import Engine

SENTENCE = re.compile(r".+[;:.] ?.+\.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stage:
    """A pending task of the cast's project."""

    engine: Engine
    cast: Cast
    task: UUID


async def _not_found(on: Stage) -> AnyJob:
    """An id of another tenant is no id at all; the grace for rows to come is over."""
    other = Cast()
    await on.engine.create_tenant(other.tenant_id)
    await on.engine.statuses(other.setting_up())
    job = other.by(other.agent, ClaimTask(task_id=on.task))
    await on.engine.record([job])
    await on.engine.age_ledger(other.tenant_id, seconds=60)
    return job


async def _illegal_transition(on: Stage) -> AnyJob:
    return on.cast.by(on.cast.human, SubmitTask(task_id=on.task))


async def _lease_lost(on: Stage) -> AnyJob:
    await on.engine.statuses([on.cast.by(on.cast.agent, ClaimTask(task_id=on.task))])
    return on.cast.by(on.cast.agent, CompleteTask(task_id=on.task, token=7))


async def _leased_to_other(on: Stage) -> AnyJob:
    await on.engine.statuses([on.cast.by(on.cast.agent, ClaimTask(task_id=on.task))])
    return on.cast.by(on.cast.human, CompleteTask(task_id=on.task))


async def _dependencies_unmet(on: Stage) -> AnyJob:
    waiting = uuid7()
    await on.engine.statuses([on.cast.task(waiting, depends_on=[NewDependency(task_id=on.task)])])
    return on.cast.by(on.cast.human, StartTask(task_id=waiting))


async def _dependency_cycle(on: Stage) -> AnyJob:
    waiting = uuid7()
    await on.engine.statuses([on.cast.task(waiting, depends_on=[NewDependency(task_id=on.task)])])
    return on.cast.by(on.cast.human, AddDependency(task_id=on.task, depends_on_id=waiting))


async def _open_subtasks(on: Stage) -> AnyJob:
    await on.engine.statuses([on.cast.task(parent_id=on.task)])
    return on.cast.by(on.cast.human, CompleteTask(task_id=on.task))


async def _approval_required(on: Stage) -> AnyJob:
    policy = UpdateProject.model_validate(
        {"project_id": on.cast.project_id, "approval_policy": "all"}
    )
    await on.engine.statuses([on.cast.by(on.cast.owner, policy)])
    return on.cast.by(on.cast.human, CompleteTask(task_id=on.task))


async def _not_a_member(on: Stage) -> AnyJob:
    elsewhere = uuid7()
    project = CreateProject(project_id=elsewhere, slug="elsewhere", name="Elsewhere")
    await on.engine.statuses([on.cast.by(on.cast.owner, project)])
    create = CreateTask(project_id=elsewhere, task_id=uuid7(), title="Mine")
    return on.cast.by(on.cast.human, create)


async def _not_allowed(on: Stage) -> AnyJob:
    return on.cast.by(on.cast.agent, StartTask(task_id=on.task))


async def _version_conflict(on: Stage) -> AnyJob:
    return on.cast.by(on.cast.human, UpdateTask(task_id=on.task, title="New", expected_version=7))


async def _already_exists(on: Stage) -> AnyJob:
    return on.cast.task(on.task)


async def _idempotency_conflict(on: Stage) -> AnyJob:
    first = on.cast.by(on.cast.human, CommentTask(task_id=on.task, comment_id=uuid7(), body="Hm"))
    await on.engine.statuses([first])
    again = CommentTask(task_id=on.task, comment_id=uuid7(), body="Something else")
    return on.cast.by(on.cast.human, again, id=first.id)


async def _expired(on: Stage) -> AnyJob:
    past = datetime.now(UTC) - timedelta(seconds=1)
    return on.cast.by(on.cast.agent, ClaimTask(task_id=on.task), expires_at=past)


async def _aborted(on: Stage) -> AnyJob:
    return system_job(ExpireLease(task_id=on.task, token=1), on.cast.tenant_id, datetime.now(UTC))


async def _tenant_suspended(on: Stage) -> AnyJob:
    await on.engine.execute(
        "UPDATE taskrail.tenant SET suspended_at = clock_timestamp() WHERE id = :id",
        id=on.cast.tenant_id,
    )
    return on.cast.by(on.cast.agent, ClaimTask(task_id=on.task))


async def _limit_exceeded(on: Stage) -> AnyJob:
    line = [on.task]
    for _ in range(15):
        line.append(uuid7())
        await on.engine.statuses([on.cast.task(line[-1], parent_id=line[-2])])
    deep = uuid7()
    await on.engine.statuses([on.cast.task(deep)])
    return on.cast.by(on.cast.human, MoveTask(task_id=deep, parent_id=line[-1]))


async def _invalid(on: Stage) -> AnyJob:
    future = derived_id(datetime.now(UTC) + timedelta(days=3), on.task)
    return on.cast.by(on.cast.agent, ClaimTask(task_id=on.task), id=future)


SCENARIOS: dict[str, Callable[[Stage], Awaitable[AnyJob]]] = {
    "not_found": _not_found,
    "illegal_transition": _illegal_transition,
    "lease_lost": _lease_lost,
    "leased_to_other": _leased_to_other,
    "dependencies_unmet": _dependencies_unmet,
    "dependency_cycle": _dependency_cycle,
    "open_subtasks": _open_subtasks,
    "approval_required": _approval_required,
    "not_a_member": _not_a_member,
    "not_allowed": _not_allowed,
    "version_conflict": _version_conflict,
    "already_exists": _already_exists,
    "idempotency_conflict": _idempotency_conflict,
    "expired": _expired,
    "aborted": _aborted,
    "tenant_suspended": _tenant_suspended,
    "limit_exceeded": _limit_exceeded,
    "invalid": _invalid,
}
"""Each prepares what it needs and answers the job that is refused."""
NAMES_NEXT_STATES = {"illegal_transition", "open_subtasks", "approval_required"}


def test_every_code_has_its_scenario() -> None:
    assert SCENARIOS.keys() == set(get_args(RejectionCode))


@pytest.mark.parametrize("code", SCENARIOS)
async def test_a_code_is_reached_and_says_what_to_do(code: str, engine: Engine, cast: Cast) -> None:
    task = uuid7()
    await engine.statuses([cast.task(task)])
    job = await SCENARIOS[code](Stage(engine, cast, task))
    before = await _rows(engine, cast)

    (outcome,) = await engine.outcomes([job])

    assert (outcome["status"], outcome["code"]) == ("rejected", code)
    assert SENTENCE.fullmatch(outcome["message"]), outcome["message"]
    assert bool(outcome["alternatives"]) is (code in NAMES_NEXT_STATES)
    assert await _rows(engine, cast) == before


async def test_a_report_without_its_token_says_what_was_observed(
    engine: Engine, cast: Cast
) -> None:
    task = uuid7()
    await engine.statuses([cast.task(task), cast.by(cast.agent, ClaimTask(task_id=task))])

    (outcome,) = await engine.outcomes(
        [cast.by(cast.agent, ReportProgress(task_id=task, percent=1))]
    )

    assert outcome["observed"] == {"status": "in_progress", "version": 2}


async def _rows(engine: Engine, cast: Cast) -> list[list[dict[str, Any]]]:
    """All that the tenant has, but for the ledger."""
    tables = ("project", "task", "lease", "dependency", "comment", "event", "member")
    return [
        await engine.execute(
            f"SELECT * FROM taskrail.{table} WHERE tenant_id = :id ORDER BY {table}::text",  # noqa: S608
            id=cast.tenant_id,
        )
        for table in tables
    ]
