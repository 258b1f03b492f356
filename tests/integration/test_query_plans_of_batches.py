"""What a batch does to find and lock its rows goes through indexes too, at 100,000 tasks.

As the worker: under row-level security, with its pinned plans.
"""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from db.driver import Driver
from db.repositories.dependencies import Dependencies
from db.repositories.dispatch import Ask, Dispatch
from db.repositories.kin import Kin
from db.repositories.leases import Leases
from db.repositories.tasks import Tasks
from db.repositories.trees import Trees
from db.repositories.workers import Workers
from jobs.entities import Key
from jobs.refs import Role
from tests.planning import Seed, told

BATCH = 200
LARGE = ("task", "dependency", "lease")
ROOTS = text("""
    SELECT tenant_id, id FROM taskrail.task
    WHERE tenant_id = :tenant_id AND parent_id IS NULL AND deleted_at IS NULL
    ORDER BY created_at LIMIT :number
""")
MOST_KIN = 10_000

Find = Callable[[Driver, list[Key]], Awaitable[object]]
FINDS: dict[str, tuple[Find, set[str], int]] = {
    "locks by key": (
        lambda driver, keys: Tasks(driver).lock(keys, wait=False), {"pk_task"}, BATCH
    ),
    "projects of tasks": (lambda driver, keys: Tasks(driver).projects_of(keys), {"pk_task"}, BATCH),
    "leases of tasks": (lambda driver, keys: Leases(driver).load(keys), {"pk_lease"}, BATCH),
    "lines upwards": (lambda driver, keys: Trees(driver).lines(keys), {"pk_task"}, 2 * BATCH),
    "heights": (
        lambda driver, keys: Trees(driver).heights(keys), {"ix_task_by_parent"}, 10 * BATCH
    ),
    "open children": (
        lambda driver, keys: Trees(driver).open_children(keys), {"ix_task_by_parent"}, 4 * BATCH
    ),
    "blockers": (lambda driver, keys: Dependencies(driver).above(keys), {"pk_dependency"}, BATCH),
    "kin of the cancelled": (
        lambda driver, keys: Kin(driver).concerned([(key, Role.CANCELS) for key in keys], MOST_KIN),
        {"ix_task_by_parent", "ix_dependency_by_blocker", "pk_task"},
        30 * BATCH,
    ),
    "kin of the settled": (
        lambda driver, keys: Kin(driver).concerned([(key, Role.SETTLES) for key in keys], MOST_KIN),
        {"ix_dependency_by_blocker", "pk_task"},
        3 * BATCH,
    ),
}  # fmt: skip
"""Each with the indexes that it goes through and how many rows it may look at for the batch."""


@pytest.mark.parametrize("name", FINDS)
async def test_a_batch_finds_its_rows_by_index_and_looks_at_no_others(
    name: str, seeded: Seed
) -> None:
    find, indexes, most = FINDS[name]
    async with seeded.explained("worker") as (connection, plans):
        binds = {"tenant_id": seeded.tenant_id, "number": BATCH}
        keys = [(row.tenant_id, row.id) for row in await connection.execute(ROOTS, binds)]
        await told(connection, plans, find(await Driver.of(connection), keys))

    assert plans.scanned_whole.isdisjoint(LARGE)
    assert plans.spilled == []
    assert indexes <= plans.indexes
    assert plans.examined(*LARGE) <= most


async def test_dispatch_looks_at_ready_tasks_of_the_askers_projects_only(seeded: Seed) -> None:
    """Ten projects of 2,000 tasks, of which a fifth is pending."""
    async with seeded.explained("worker") as (connection, plans):
        driver = await Driver.of(connection)
        workers = await Workers(driver).read([(seeded.tenant_id, seeded.worker)])
        asking = Dispatch(driver).candidates([Ask(worker, 10) for worker in workers])
        await told(connection, plans, asking)

    assert plans.scanned_whole.isdisjoint(LARGE)
    assert plans.spilled == []
    assert "ix_task_ready_to_dispatch" in plans.indexes
    assert plans.examined(*LARGE) <= 5_000
