"""The models and the migrations make the same schema, and the schema keeps its own rules.

`alembic check` misses changed CHECKs, partial predicates, defaults and operator classes; the
catalog does not.
"""

from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db import models
from db.repositories.dead_letters import DeadLetter
from db.repositories.ledger import Entry
from jobs import entities
from tests.databases import Database

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'r'
"""
CONSTRAINTS = """
    SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = to_regnamespace(:schema) AND contype <> 'n'
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :schema"
STORAGE = """
    SELECT relname, reloptions FROM pg_class
    WHERE relnamespace = to_regnamespace(:schema) AND relkind = 'r'
"""
ALEMBICS_OWN = "alembic_version"

UNINDEXED = {
    "fk_lease_holder_id": "ix_lease_by_holder, a hash of the holder alone",
    "fk_lease_previous_assignee_id": "workers are never deleted, and renewals are to stay HOT",
}


async def test_models_and_migrations_make_the_same_schema(database: Database) -> None:
    async with database.superuser.connect() as connection:
        await connection.execute(text("CREATE SCHEMA from_models"))
        elsewhere = await connection.execution_options(
            schema_translate_map={models.SCHEMA: "from_models"}
        )
        await elsewhere.run_sync(models.metadata.create_all)

        for query in (COLUMNS, CONSTRAINTS, INDEXES, STORAGE):
            migrated = await described(connection, query, models.SCHEMA)
            modelled = await described(connection, query, "from_models")
            assert modelled == migrated


COUNTERS = {
    "task_count",
    "completed_count",
    "used_attempts",
    "used_tokens",
    "used_money_micros",
    "used_wall_seconds",
}


@pytest.mark.parametrize(
    ("model", "entity", "derived"),
    [
        (models.Tenant, entities.Tenant, set()),
        (models.Project, entities.Project, COUNTERS),
        (models.Worker, entities.Worker, set()),
        (models.Member, entities.Member, set()),
        (models.Task, entities.Task, set()),
        (models.Lease, entities.Lease, set()),
        (models.Dependency, entities.Dependency, set()),
        (models.Comment, entities.Comment, set()),
        (models.Event, entities.Event, set()),
        (models.Job, Entry, {"deliveries", "discarded_at"}),
        (models.DeadLetter, DeadLetter, {"replayed_at", "discarded_at"}),
    ],
)
def test_a_table_has_the_fields_of_its_entity(model: Any, entity: Any, derived: set[str]) -> None:
    columns = {column.name for column in model.__table__.columns}

    assert columns == {field.name for field in fields(entity)} | derived


def test_relationships_are_read_only_and_never_loaded_by_surprise() -> None:
    for model in (models.Task, models.Project, models.Worker, models.Job):
        for relationship in inspect(model).relationships:
            assert relationship.viewonly
            assert relationship.lazy == "raise"


async def test_words_are_text_and_times_are_aware(database: Database) -> None:
    async with database.superuser.connect() as connection:
        rows = await described(connection, COLUMNS, models.SCHEMA)

    types = {row[2] for row in rows}
    assert types == {
        "uuid", "text", "timestamp with time zone", "jsonb", "integer", "smallint", "bigint",
        "bytea",
    }  # fmt: skip


async def test_every_foreign_key_stays_in_its_tenant_and_deletes_nothing(
    database: Database,
) -> None:
    async with database.superuser.connect() as connection:
        keys = await connection.execute(
            text("""
                SELECT conname, pg_get_constraintdef(oid) AS definition
                FROM pg_constraint
                WHERE connamespace = 'taskrail'::regnamespace AND contype = 'f'
            """)
        )

    for name, definition in keys:
        assert "FOREIGN KEY (tenant_id" in definition, name
        assert "ON DELETE" not in definition, name


async def test_every_foreign_key_has_a_leading_index_or_a_reason(database: Database) -> None:
    async with database.superuser.connect() as connection:
        names = await connection.scalars(
            text("""
                SELECT c.conname FROM pg_constraint c
                WHERE c.connamespace = 'taskrail'::regnamespace AND c.contype = 'f'
                  AND NOT EXISTS (
                      SELECT FROM pg_index i
                      WHERE i.indrelid = c.conrelid
                        AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] = c.conkey
                  )
            """)
        )

    assert {name.replace("tenant_id_", "") for name in names} == set(UNINDEXED)


async def test_every_table_of_tenants_forces_row_level_security(database: Database) -> None:
    async with database.superuser.connect() as connection:
        rows = await connection.execute(
            text("""
                SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,
                    (SELECT array_agg(DISTINCT r.rolname::text ORDER BY r.rolname::text)
                     FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
                     WHERE p.polrelid = c.oid) AS roles
                FROM pg_class c
                WHERE c.relnamespace = 'taskrail'::regnamespace AND c.relkind = 'r'
            """)
        )
        guarded = {row.relname: (row.forced, row.roles) for row in rows}

    everybody = [f"taskrail_{role}" for role in ("keeper", "owner", "reader", "worker")]
    of_no_tenant = {"dead_letter", ALEMBICS_OWN}
    assert guarded == {
        table: (False, None) if table in of_no_tenant else (True, everybody) for table in guarded
    }
    assert len(guarded) == len(models.metadata.tables) + 1


async def test_functions_that_act_as_owner_fix_their_search_path(database: Database) -> None:
    async with database.superuser.connect() as connection:
        rows = await connection.execute(
            text("""
                SELECT proname, prosecdef, coalesce(proconfig::text, '') AS settings,
                    has_function_privilege('public', oid, 'EXECUTE') AS open
                FROM pg_proc WHERE pronamespace = 'taskrail'::regnamespace
            """)
        )

    for name, is_definer, settings, is_open in rows:
        assert not is_open, name
        assert "search_path=" in settings or not is_definer, name


async def described(connection: AsyncConnection, query: str, schema: str) -> list[tuple[Any, ...]]:
    """The rows of a catalog query about a schema, told without its name."""
    rows = await connection.execute(text(query), {"schema": schema})
    plain = [tuple(str(value).replace(f"{schema}.", "") for value in row) for row in rows]
    return sorted(row for row in plain if not any(ALEMBICS_OWN in value for value in row))
