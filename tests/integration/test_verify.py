"""Each promise about the data is broken once, behind the product's back; `verify` finds it."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ApproveTask, ClaimTask, ReportProgress, SubmitTask
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CommentTask, CreateTask, NewDependency
from ops.verify.check import Violation
from ops.verify.run import CHECKS, verify
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from worker.apply import apply
from worker.runtime import Runtime


@dataclass(slots=True)
class World:
    """A healthy database with something of everything, and its ids by the names faults use."""

    database: Database
    engine: Engine
    cast: Cast
    ids: dict[str, UUID] = field(default_factory=dict)

    async def break_promise(self, fault: str) -> None:
        """Runs the statement with neither triggers nor foreign keys in its way."""
        async with self.database.superuser.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(
                text(fault), {n: i for n, i in self.ids.items() if f":{n}" in fault}
            )

    async def violations(self) -> list[Violation]:
        return (await verify(self.database.engine("reader"))).violations


@pytest.fixture
async def world(database: Database, runtime: Runtime) -> World:
    engine = Engine(apply, runtime, database.superuser)
    cast, stranger = Cast(), Cast()
    ids = {
        name: uuid7()
        for name in ("held", "done", "other_task", "other_project", "comment", "waiting")
    }
    for people in (cast, stranger):
        await engine.create_tenant(people.tenant_id)
        assert set(await engine.statuses(people.setting_up())) == {"applied"}
    assert set(await engine.statuses(_life(cast, ids))) == {"applied"}
    ids |= {
        "tenant": cast.tenant_id,
        "project": cast.project_id,
        "owner": cast.owner,
        "agent": cast.agent,
        "human": cast.human,
        "foreign_worker": stranger.agent,
        "nobody": uuid7(),
    }
    return World(database, engine, cast, ids)


def _life(cast: Cast, ids: dict[str, UUID]) -> list[AnyJob]:
    held, done, other = ids["held"], ids["done"], ids["other_project"]
    second = CreateProject(project_id=other, slug="second", name="Second", owner_id=cast.owner)
    return [
        cast.task(held),
        cast.task(done),
        cast.task(ids["waiting"], depends_on=[NewDependency(task_id=held)]),
        cast.by(cast.agent, ClaimTask(task_id=held)),
        cast.by(cast.agent, ReportProgress(task_id=held, token=1, percent=40)),
        cast.by(cast.human, CommentTask(task_id=held, comment_id=ids["comment"], body="Well.")),
        cast.by(cast.agent, ClaimTask(task_id=done)),
        cast.by(cast.agent, SubmitTask(task_id=done, token=1, result={"words": 10})),
        cast.by(cast.human, ApproveTask(task_id=done)),
        cast.by(cast.owner, second),
        cast.by(cast.owner, AddMember(project_id=other, worker_id=cast.human)),
        cast.by(cast.owner, CreateTask(project_id=other, task_id=ids["other_task"], title="Else")),
    ]


FAULTS = {
    "project_fold": "UPDATE taskrail.project SET name = 'Other' WHERE id = :project",
    "worker_fold": "UPDATE taskrail.worker SET capabilities = '[\"fly\"]' WHERE id = :agent",
    "task_fold": "UPDATE taskrail.task SET progress = 99 WHERE id = :held",
    "lease_fold": "DELETE FROM taskrail.lease WHERE task_id = :held",
    "member_fold": "DELETE FROM taskrail.member WHERE worker_id = :human AND project_id = :project",
    "dependency_fold": "DELETE FROM taskrail.dependency WHERE task_id = :waiting",
    "comment_fold": "UPDATE taskrail.comment SET body = 'Badly.' WHERE id = :comment",
    "seq_gaps": "DELETE FROM taskrail.event WHERE entity_id = :held AND seq = 2",
    "version_is_last_seq": "UPDATE taskrail.task SET version = version + 1 WHERE id = :held",
    "times_are_the_events": (
        "UPDATE taskrail.task SET updated_at = updated_at + interval '1 s' WHERE id = :done"
    ),
    "legal_paths": (
        'UPDATE taskrail.event SET data = data || \'{"status": "failed"}\''
        " WHERE entity_id = :done AND seq = 3"
    ),
    "no_orphans": "DELETE FROM taskrail.event WHERE entity_id = :other_task",
    "no_lost_rows": "DELETE FROM taskrail.task WHERE id = :other_task",
    "outbox_has_events": (
        "INSERT INTO taskrail.outbox (tenant_id, entity_id, seq) VALUES (:tenant, :held, 99)"
    ),
    "outbox_is_the_end_of_history": (
        "DELETE FROM taskrail.outbox WHERE entity_id = :held AND seq = 2"
    ),
    "project_counters": (
        "INSERT INTO taskrail.tally (tenant_id, project_id, tasks, completed)"
        " VALUES (:tenant, :project, 1, 0)"
    ),
    "unmet_dependencies": "UPDATE taskrail.task SET unmet_dependencies = 1 WHERE id = :other_task",
    "job_events": "UPDATE taskrail.job SET events = events + 1 WHERE kind = 'task.approve'",
    "settled": (
        'UPDATE taskrail.job SET outcome = outcome || \'{"status": "rejected"}\''
        " WHERE kind = 'task.approve'"
    ),
    "discards_are_recorded": (
        "UPDATE taskrail.job SET status = 'buried', events = 0, discarded_at = now(),"
        " outcome = outcome || '{\"status\": \"buried\"}' WHERE kind = 'task.approve'"
    ),
    "lease_state": "UPDATE taskrail.lease SET token = 99 WHERE task_id = :held",
    "one_owner": "UPDATE taskrail.member SET role = 'member' WHERE project_id = :project",
    "tenants_not_mixed": (
        "UPDATE taskrail.task SET created_by_id = :foreign_worker WHERE id = :held"
    ),
    "actors_are_workers": "UPDATE taskrail.event SET actor_id = :nobody WHERE entity_id = :done",
    "assignees_are_members": "UPDATE taskrail.task SET assignee_id = :agent WHERE id = :other_task",
    "kin_in_one_project": "UPDATE taskrail.task SET parent_id = :held WHERE id = :other_task",
    "trees_are_sound": (
        "UPDATE taskrail.task"
        " SET parent_id = CASE WHEN id = :held THEN CAST(:done AS uuid) ELSE :held END"
        " WHERE id IN (:held, :done)"
    ),
    "dependencies_have_no_cycle": (
        "INSERT INTO taskrail.dependency (tenant_id, task_id, depends_on_id)"
        " VALUES (:tenant, :held, :waiting)"
    ),
    "wording_is_the_tasks": "UPDATE taskrail.wording SET words = 'else' WHERE task_id = :held",
    "questions_block": "UPDATE taskrail.task SET question = '{}' WHERE id = :held",
    "one_successor": (
        """UPDATE taskrail.task SET recurrence = '{"series_id": "s", "occurrence": 1}'"""
        " WHERE id IN (:held, :done)"
    ),
}
ALSO = {
    "events of a job that nobody knows": (
        "job_events",
        "UPDATE taskrail.event SET job_id = :nobody WHERE entity_id = :done AND seq = 3",
    ),
    "events that would be published in another order": (
        "outbox_is_the_end_of_history",
        "UPDATE taskrail.outbox SET seq = 3 - seq WHERE entity_id = :held AND seq IN (1, 2)",
    ),
    "a live task below a deleted one": (
        "trees_are_sound",
        """UPDATE taskrail.task SET parent_id = CASE WHEN id = :done THEN CAST(:held AS uuid) END,
            deleted_at = CASE WHEN id = :held THEN clock_timestamp() END,
            deletion_id = CASE WHEN id = :held THEN CAST(:nobody AS uuid) END
        WHERE id IN (:held, :done)""",
    ),
    "an edge with another policy": (
        "dependency_fold",
        "UPDATE taskrail.dependency SET on_failure = 'ignore' WHERE task_id = :waiting",
    ),
    "an agent at work without a lease": ("lease_state", FAULTS["lease_fold"]),
    "a lease on a completed task": (
        "lease_state",
        "UPDATE taskrail.lease SET task_id = :done WHERE task_id = :held",
    ),
    "an event that no column can hold": (
        "task_fold",
        """UPDATE taskrail.event SET data = data || '{"progress": "half"}'
        WHERE seq = 4 AND entity_id = :held""",
    ),
    "a settled job without an outcome's id": (
        "settled",
        "UPDATE taskrail.job SET outcome = outcome - 'job_id' WHERE kind = 'task.approve'",
    ),
}


async def test_a_healthy_database_has_no_violations(world: World) -> None:
    report = await verify(world.database.engine("reader"))

    assert report.violations == []
    assert report.checks == len(CHECKS)


def test_every_check_has_a_fault_that_it_finds() -> None:
    assert FAULTS.keys() == {check.name for check in CHECKS}


@pytest.mark.parametrize(("name", "fault"), FAULTS.items(), ids=FAULTS)
async def test_a_broken_promise_is_found(world: World, name: str, fault: str) -> None:
    await world.break_promise(fault)

    found = [violation for violation in await world.violations() if violation.check == name]

    assert found
    assert {violation.tenant for violation in found} == {str(world.cast.tenant_id)}
    assert all(violation.entity and violation.id and violation.detail for violation in found)


@pytest.mark.parametrize(("name", "fault"), ALSO.values(), ids=ALSO)
async def test_another_way_of_breaking_it_is_found(world: World, name: str, fault: str) -> None:
    await world.break_promise(fault)

    assert name in {violation.check for violation in await world.violations()}


async def test_each_check_is_called_by_its_name(world: World) -> None:
    called: list[str] = []

    await verify(world.database.engine("reader"), called.append)

    assert called == [check.name for check in CHECKS]
