"""Tasks that recur, in the small world for rules."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from jobs.entities import Task
from jobs.recurrence import Recurrence
from tests.unit.rules.world import NOON, World

DUE = NOON + timedelta(hours=1)
DAY = timedelta(days=1)


def daily(**fields: Any) -> dict[str, Any]:
    """A task that is due in an hour, and daily from then on."""
    return {"due_at": DUE, "recurrence": Recurrence(**({"rule": "FREQ=DAILY"} | fields))}


def successor(world: World, task_id: UUID) -> Task | None:
    told = (world.task(task_id).recurrence or {}).get("successor_id")
    return None if told is None else world.task(UUID(told))


def followed(world: World, task_id: UUID) -> Task:
    found = successor(world, task_id)
    assert found is not None
    return found
