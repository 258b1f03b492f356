"""What a job may change, and how that is noted down."""

from dataclasses import dataclass, field, fields
from typing import Any, get_args
from uuid import UUID

from jobs.entities import Project, Task, Worker

Own = Project | Worker | Task
"""Entities with a history of their own."""

DERIVED = frozenset({"unmet_dependencies", "last_seen_at"})
"""Columns that change without event and version."""
HEADER = frozenset({"tenant_id", "version", "created_at", "updated_at"})
"""Columns that the event row states itself."""


@dataclass(slots=True)
class Change:
    """How an entity differs from its row; `base_version` is the row's, None where there is none."""

    entity: Own
    base_version: int | None
    columns: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Cause:
    """The job that is being applied: every event names it."""

    tenant_id: UUID
    job_id: UUID
    actor_id: UUID | None


def own_columns(entity: Own) -> dict[str, Any]:
    """The columns that change only with an event, and their values."""
    return {name: getattr(entity, name) for name in OWN_NAMES[type(entity)]}


def own_names(entity: type[Own]) -> list[str]:
    """The names of these columns, in the order of the entity's fields."""
    return [f.name for f in fields(entity) if f.name not in HEADER and f.name not in DERIVED]


OWN_NAMES = {entity: own_names(entity) for entity in get_args(Own)}
