"""What a check is, and what it finds."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, text


@dataclass(frozen=True, slots=True)
class Check:
    """A statement that selects (tenant_id, entity, id, detail) of every violation; none is good."""

    name: str
    statement: Executable


@dataclass(frozen=True, slots=True)
class Violation:
    """One row that breaks a promise. `id` is the entity's, parts of a longer key joined by `/`."""

    check: str
    tenant: str | None
    entity: str
    id: str
    detail: str


def check(name: str, sql: str, **binds: Any) -> Check:
    """A check in plain SQL."""
    return Check(name, text(sql).bindparams(**binds) if binds else text(sql))
