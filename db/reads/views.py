"""The views of the read contract (migrations/sql/0004_reads.sql), as statements name them.

They leave out what is deleted and what lies in deleted projects, so no read can forget to.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    TableClause,
    Text,
    Uuid,
    and_,
    column,
    table,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from db.models import SCHEMA

TIME = DateTime(timezone=True)


def _view(name: str, /, **columns: type[TypeEngine[Any]] | TypeEngine[Any]) -> TableClause:
    typed = (column(name, type_) for name, type_ in columns.items())
    return table(name, *typed, schema=SCHEMA)


TASK = _view(
    "task_v1",
    **dict.fromkeys(
        ("tenant_id", "id", "project_id", "created_by_id", "assignee_id", "parent_id"), Uuid
    ),
    **dict.fromkeys(
        ("project_slug", "title", "description", "status", "priority", "blocked_reason"), Text
    ),
    **dict.fromkeys(
        ("tags", "attributes", "required_capabilities", "question", "result", "failure", "budget",
         "usage", "recurrence"),
        JSONB,
    ),
    **dict.fromkeys(
        ("priority_rank", "progress", "attempt", "max_attempts", "unmet_dependencies", "version"),
        Integer,
    ),
    **dict.fromkeys(("waiting", "overdue"), Boolean),
    **dict.fromkeys(
        ("due_at", "run_after", "started_at", "completed_at", "created_at", "updated_at"), TIME
    ),
)  # fmt: skip
PROJECT = _view(
    "project_v1",
    **dict.fromkeys(("tenant_id", "id"), Uuid),
    **dict.fromkeys(("slug", "name", "description", "status", "approval_policy"), Text),
    **dict.fromkeys(("budget", "attributes"), JSONB),
    **dict.fromkeys(("task_count", "completed_count", "version"), Integer),
    **dict.fromkeys(("created_at", "updated_at"), TIME),
)
WORKER = _view(
    "worker_v1",
    **dict.fromkeys(("tenant_id", "id"), Uuid),
    **dict.fromkeys(("handle", "name", "kind", "email", "agent_type"), Text),
    capabilities=JSONB,
    **dict.fromkeys(("max_concurrent_tasks", "held_tasks", "version"), Integer),
    **dict.fromkeys(("last_seen_at", "deactivated_at", "created_at", "updated_at"), TIME),
)


def is_worker(worker: Any, task_column: Any) -> ColumnElement[bool]:
    """Joins the worker whom a column of TASK names."""
    return and_(worker.c.tenant_id == TASK.c.tenant_id, worker.c.id == task_column)
