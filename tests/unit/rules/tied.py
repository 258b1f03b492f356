"""Tasks that wait for others, as tests need them."""

from uuid import UUID

from jobs.entities import OnFailure
from jobs.payloads.task import NewDependency
from tests.unit.rules.world import World


def pair(world: World, on_failure: OnFailure = OnFailure.BLOCK) -> tuple[UUID, UUID]:
    """A task, and one that waits for it."""
    blocker = world.create()
    return blocker, waiting_for(world, blocker, on_failure=on_failure)


def waiting_for(world: World, *blockers: UUID, on_failure: OnFailure = OnFailure.BLOCK) -> UUID:
    return world.create(depends_on=[edge(blocker, on_failure) for blocker in blockers])


def edge(blocker: UUID, on_failure: OnFailure = OnFailure.BLOCK) -> NewDependency:
    return NewDependency(task_id=blocker, on_failure=on_failure)


def kinds(world: World, task_id: UUID) -> list[str]:
    """The task's events, without their prefix."""
    events = [event for event in world.board.events if event.entity_id == task_id]
    return [event.kind.removeprefix("task.") for event in events]
