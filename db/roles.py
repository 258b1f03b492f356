"""The five roles: who owns, who applies, who keeps, who reads, who records.

They belong to the cluster, not to a revision; revisions grant. So do the schema and the extension,
which the owner may not make. Idempotent.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

ROLES = ("owner", "worker", "keeper", "reader", "producer")
MAKING = 7_162_019
"""Advisory lock: two who make the roles at once would both find them missing."""


async def ensure_roles(connection: AsyncConnection) -> None:
    """All roles exist, the login is a member of each, and the owner owns the schema `taskrail`.

    The extension pg_trgm is there, for searches in text. The login must be a superuser, or have
    CREATEROLE and CREATE on the database: the extension is a trusted one. The caller commits.
    """
    await connection.execute(text(f"SELECT pg_advisory_xact_lock({MAKING})"))
    for name in ROLES:
        await _ensure_role(connection, f"taskrail_{name}")
    await connection.execute(
        text("CREATE SCHEMA IF NOT EXISTS taskrail AUTHORIZATION taskrail_owner")
    )
    await connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))


async def _ensure_role(connection: AsyncConnection, role: str) -> None:
    """Names are ours and constant, so they may stand in the statement."""
    exists = await connection.scalar(
        text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role}
    )
    if not exists:
        await connection.execute(text(_unless_there(f"CREATE ROLE {role} NOLOGIN NOBYPASSRLS")))
    # From 16 on, who creates a role is its member by that alone, but may not act as it.
    may_act = await connection.scalar(
        text(
            "SELECT pg_has_role(current_user, :role, CASE"
            " WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET'"
            " ELSE 'MEMBER' END)"
        ),
        {"role": role},
    )
    if not may_act:
        await connection.execute(text(_unless_there(f"GRANT {role} TO CURRENT_USER")))


def _unless_there(statement: str) -> str:
    """Roles are the cluster's, our lock is this database's: somebody in another may be quicker."""
    return (
        f"DO $$ BEGIN {statement};"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
