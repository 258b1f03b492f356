"""The views of the read contract (migrations/sql/0004_reads.sql), as statements name them.

They leave out what is deleted and what lies in deleted projects, so no read can forget to.
"""

from typing import Any

from sqlalchemy import Boolean, DateTime, Integer, TableClause, Text, Uuid, column, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from db.models import SCHEMA

TIME = DateTime(timezone=True)


def view(name: str, **columns: TypeEngine[Any]) -> TableClause:
    typed = (column(name, type_) for name, type_ in columns.items())
    return table(name, *typed, schema=SCHEMA)


TASK = view(
    "task_v1",
    tenant_id=Uuid(),
    id=Uuid(),
    project_id=Uuid(),
    project_slug=Text(),
    title=Text(),
    description=Text(),
    status=Text(),
    priority=Text(),
    priority_rank=Integer(),
    progress=Integer(),
    tags=JSONB(),
    attributes=JSONB(),
    required_capabilities=JSONB(),
    due_at=TIME,
    run_after=TIME,
    created_by_id=Uuid(),
    assignee_id=Uuid(),
    parent_id=Uuid(),
    attempt=Integer(),
    max_attempts=Integer(),
    blocked_reason=Text(),
    question=JSONB(),
    result=JSONB(),
    failure=JSONB(),
    budget=JSONB(),
    usage=JSONB(),
    recurrence=JSONB(),
    unmet_dependencies=Integer(),
    waiting=Boolean(),
    overdue=Boolean(),
    started_at=TIME,
    completed_at=TIME,
    version=Integer(),
    created_at=TIME,
    updated_at=TIME,
)
WORKER = view("worker_v1", tenant_id=Uuid(), id=Uuid(), handle=Text(), name=Text(), kind=Text())
