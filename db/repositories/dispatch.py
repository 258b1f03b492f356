"""Ready tasks for workers who ask: one statement for all who ask, in rank order."""

from dataclasses import dataclass

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from db.arrays import keys
from db.driver import Driver
from db.repositories.tasks import READ, as_task
from jobs.entities import Key, Task, Worker

CANDIDATES = text("""
    SELECT ask.worker_id, c.tenant_id, c.id
    FROM unnest(:tenant_id_array, :worker_id_array, :capabilities_array, :limit_array)
        WITH ORDINALITY AS ask(tenant_id, worker_id, capabilities, wanted, place)
    CROSS JOIN LATERAL (
        SELECT t.tenant_id, t.id
        FROM taskrail.task t
        WHERE t.tenant_id = ask.tenant_id
          AND t.project_id IN (
              SELECT m.project_id
              FROM taskrail.member m
              JOIN taskrail.project p ON p.tenant_id = m.tenant_id AND p.id = m.project_id
              WHERE m.tenant_id = ask.tenant_id AND m.worker_id = ask.worker_id
                AND p.status = 'active' AND p.deleted_at IS NULL
          )
          AND t.status = 'pending' AND t.deleted_at IS NULL AND t.unmet_dependencies = 0
          AND (t.run_after IS NULL OR t.run_after <= clock_timestamp())
          AND (t.assignee_id IS NULL OR t.assignee_id = ask.worker_id)
          AND t.required_capabilities <@ ask.capabilities
        ORDER BY t.priority DESC, t.due_at ASC NULLS LAST, t.created_at, t.id
        LIMIT ask.wanted
        FOR NO KEY UPDATE OF t SKIP LOCKED
    ) AS c
    ORDER BY ask.place
""").bindparams(
    bindparam("tenant_id_array", type_=ARRAY(Uuid())),
    bindparam("worker_id_array", type_=ARRAY(Uuid())),
    bindparam("capabilities_array", type_=ARRAY(JSONB(), dimensions=1)),
    bindparam("limit_array", type_=ARRAY(Integer())),
)


@dataclass(frozen=True, slots=True)
class Ask:
    worker: Worker
    limit: int


class Dispatch:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def candidates(self, asks: list[Ask]) -> dict[Key, list[Task]]:
        """For each asking worker ready, unlocked tasks of its projects, locked now, best first.

        A task that is offered to many is read once.
        """
        rows = await self._driver.fetch(
            CANDIDATES,
            {
                "tenant_id_array": [ask.worker.tenant_id for ask in asks],
                "worker_id_array": [ask.worker.id for ask in asks],
                "capabilities_array": [ask.worker.capabilities for ask in asks],
                "limit_array": [ask.limit for ask in asks],
            },
        )
        offers = [((tenant_id, worker_id), (tenant_id, id_)) for worker_id, tenant_id, id_ in rows]
        tasks = await self._read({task for _, task in offers})
        found: dict[Key, list[Task]] = {}
        for worker, task in offers:
            found.setdefault(worker, []).append(tasks[task])
        return found

    async def _read(self, wanted: set[Key]) -> dict[Key, Task]:
        rows = await self._driver.fetch(READ, keys(wanted))
        return {task.key: task for task in (as_task(Task(*row)) for row in rows)}
