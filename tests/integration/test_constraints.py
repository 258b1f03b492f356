"""Rules of one row hold against raw SQL: each named constraint refuses what it is there for."""

from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from jobs.values import MAX_ATTRIBUTES_BYTES, Attributes, compact_size
from tests.databases import Database
from tests.planting import SOON, Planted, insert, plant

Refused = list[tuple[str, dict[str, Any]]]
"""Names of constraints without `ck_<table>_`, and what each must refuse in a row."""

VERSIONED: Refused = [("version_is_positive", {"version": 0})]
NAMED: Refused = [("name_length", {"name": ""}), ("name_length", {"name": "n" * 201})]
SLUGS: Refused = [
    ("slug_is_short_and_plain", {"slug": slug}) for slug in ("", "Upper", "a b", "s" * 64)
]
DIGITS = "[" + ",".join(["1"] * 300_000) + "]"

REFUSED: dict[str, Refused] = {
    "tenant": [*SLUGS, *NAMED],
    "project": [
        *SLUGS,
        *NAMED,
        *VERSIONED,
        ("status_is_known", {"status": "open"}),
        ("approval_policy_is_known", {"approval_policy": "some"}),
        ("attributes_are_an_object", {"attributes": "[]"}),
        ("attributes_size", {"attributes": f'{{"digits": {DIGITS}}}'}),
        ("budget_is_an_object", {"budget": "[]"}),
    ],
    "worker": [
        *NAMED,
        *VERSIONED,
        ("handle_is_short_and_plain", {"handle": "ada"}),
        ("kind_is_known", {"kind": "robot"}),
        ("agents_have_a_type", {"kind": "agent"}),
        ("agents_have_a_type", {"agent_type": "coder"}),
        (
            "only_humans_have_email",
            {"kind": "agent", "agent_type": "coder", "email": "a@example.org"},
        ),
        ("capabilities_are_a_list", {"capabilities": "{}"}),
        ("room_is_positive", {"max_concurrent_tasks": 0}),
    ],
    "member": [("role_is_known", {"role": "guest"})],
    "task": [
        *VERSIONED,
        ("title_length", {"title": ""}),
        ("title_length", {"title": "t" * 501}),
        ("status_is_known", {"status": "done"}),
        ("priority_is_a_rank", {"priority": 4}),
        ("progress_is_percent", {"progress": 101}),
        ("tags_are_a_list", {"tags": '"tag"'}),
        ("tags_number", {"tags": "[" + ",".join(f'"{n}"' for n in range(51)) + "]"}),
        ("attributes_are_an_object", {"attributes": "null"}),
        ("attributes_size", {"attributes": f'{{"digits": {DIGITS}}}'}),
        ("capabilities_are_a_list", {"required_capabilities": "{}"}),
        ("result_size", {"result": f"[{DIGITS},{DIGITS}]"}),
        ("attempt_is_bounded", {"attempt": 4}),
        ("max_attempts_is_positive", {"max_attempts": 0}),
        ("token_is_not_negative", {"last_token": -1}),
        ("unmet_is_not_negative", {"unmet_dependencies": -1}),
        ("completed_has_its_time", {"status": "completed", "progress": 100}),
        ("completed_has_its_time", {"completed_at": SOON}),
        ("completed_is_whole", {"status": "completed", "completed_at": SOON, "progress": 99}),
        ("blocked_has_its_reason", {"status": "blocked"}),
        ("blocked_has_its_reason", {"blocked_reason": "waits"}),
        ("purged_is_deleted", {"purged_at": SOON}),
        ("work_has_its_start", {"status": "in_progress"}),
        ("work_has_its_start", {"status": "review"}),
        ("deletion_has_its_id", {"deleted_at": SOON}),
        ("deletion_has_its_id", {"deletion_id": uuid7()}),
    ],
    "lease": [("token_is_positive", {"token": 0})],
    "dependency": [("on_failure_is_known", {"on_failure": "shrug"})],
    "comment": [("body_length", {"body": ""}), ("body_length", {"body": "b" * 10_001})],
    "event": [
        ("entity_type_is_known", {"entity_type": "lease"}),
        ("seq_is_positive", {"seq": 0}),
        ("data_is_an_object", {"data": "[]"}),
    ],
    "job": [
        (
            "status_is_known",
            {"status": "lost", "settled_at": SOON, "outcome": "{}", "next_feed_at": None},
        ),
        ("kind_is_plain", {"kind": "Task Start"}),
        ("envelope_is_an_object", {"envelope": "[]"}),
        ("settled_has_its_time", {"settled_at": SOON}),
        ("settled_has_its_outcome", {"outcome": "{}"}),
        ("accepted_is_fed", {"next_feed_at": None}),
        ("counts_are_not_negative", {"events": -1}),
        ("counts_are_not_negative", {"attempts": -1}),
        ("deliveries_are_not_negative", {"deliveries": -1}),
        ("discarded_was_buried", {"discarded_at": SOON}),
    ],
    "dead_letter": [
        ("reason_is_known", {"reason": "dull"}),
        ("raw_size", {"raw": b"x" * (1024 * 1024 + 1)}),
        ("ends_once", {"replayed_at": SOON, "discarded_at": SOON}),
    ],
    "intervention": [
        ("verb_is_known", {"verb": "bless"}),
        ("operator_is_named", {"operator": ""}),
        ("discard_has_a_reason", {"verb": "discard"}),
        ("reason_length", {"reason": ""}),
        ("reason_length", {"reason": "r" * 501}),
        ("is_about_something", {"job_id": None}),
        ("before_is_an_object", {"before": "[]"}),
    ],
}
OF_TWO_COLUMNS = {"ck_task_parent_is_another", "ck_dependency_blocker_is_another"}
OF_TENANTS = {"fk_project_tenant_id", "fk_worker_tenant_id", "fk_job_tenant_id"}


async def test_every_table_takes_a_row_without_what_has_a_default(database: Database) -> None:
    async with database.superuser.connect() as connection:
        planted = await plant(connection)

        for table in (*REFUSED, "outbox", "tally"):
            await insert(connection, table, planted.row(table))


@pytest.mark.parametrize("table", REFUSED)
async def test_each_check_refuses_what_it_is_named_for(database: Database, table: str) -> None:
    async with database.superuser.connect() as connection:
        planted = await plant(connection)

        refusing = [
            await refusal(connection, table, planted.row(table) | values)
            for _, values in REFUSED[table]
        ]

    assert refusing == [f"ck_{table}_{name}" for name, _ in REFUSED[table]]


@pytest.mark.parametrize("value", [1, 1e308, [], "", "\u20ac\n"])
async def test_what_payloads_may_carry_is_stored(database: Database, value: Any) -> None:
    """JSONB takes more room than compact JSON, and prints 1e308 in full."""
    number = MAX_ATTRIBUTES_BYTES // (compact_size(value) + 1) - 10
    attributes = TypeAdapter(Attributes).validate_python({"values": [value] * number})
    async with database.superuser.connect() as connection:
        planted = await plant(connection)

        await insert(
            connection, "task", planted.row("task") | {"attributes": to_json(attributes).decode()}
        )


async def test_no_check_of_the_schema_is_untried(database: Database) -> None:
    async with database.superuser.connect() as connection:
        names = await names_of(connection, "c")

    tried = {f"ck_{table}_{name}" for table, cases in REFUSED.items() for name, _ in cases}
    assert names == tried | OF_TWO_COLUMNS


async def test_a_task_is_neither_its_own_parent_nor_its_own_blocker(database: Database) -> None:
    async with database.superuser.connect() as connection:
        planted = await plant(connection)
        orphan = planted.row("task")
        loop = planted.row("dependency") | {"depends_on_id": planted.task_id}

        parent = await refusal(connection, "task", orphan | {"parent_id": orphan["id"]})
        blocker = await refusal(connection, "dependency", loop)

    assert {parent, blocker} == OF_TWO_COLUMNS


async def test_names_are_taken_once_in_a_tenant_and_again_in_another(database: Database) -> None:
    async with database.superuser.connect() as connection:
        here, there = await plant(connection), await plant(connection)
        project, worker = {"slug": "relaunch"}, {"handle": "@ada"}
        await insert(connection, "project", here.row("project") | project)
        await insert(connection, "worker", here.row("worker") | worker)

        slug = await refusal(connection, "project", here.row("project") | project)
        handle = await refusal(connection, "worker", here.row("worker") | worker)
        await insert(connection, "project", there.row("project") | project)
        await insert(connection, "worker", there.row("worker") | worker)

    assert (slug, handle) == ("uq_project_slug_among_live", "uq_worker_tenant_id_handle")


async def test_a_deleted_project_gives_its_slug_back(database: Database) -> None:
    async with database.superuser.connect() as connection:
        planted = await plant(connection)
        gone = planted.row("project") | {"slug": "relaunch", "deleted_at": SOON}
        await insert(connection, "project", gone)

        await insert(connection, "project", planted.row("project") | {"slug": "relaunch"})


async def test_a_project_has_one_owner_at_most(database: Database) -> None:
    async with database.superuser.connect() as connection:
        planted = await plant(connection)
        second = planted.row("worker")
        await insert(connection, "worker", second)
        owner = planted.row("member") | {"role": "owner"}
        await insert(connection, "member", owner)

        name = await refusal(connection, "member", owner | {"worker_id": second["id"]})

    assert name == "uq_member_one_owner_a_project"


async def test_no_row_can_point_into_another_tenant(database: Database) -> None:
    async with database.superuser.connect() as connection:
        here, there = await plant(connection), await plant(connection)

        refusing = {
            await refusal(connection, table, here.row(table) | {column: foreign})
            for table, column, foreign in references(there)
        }
        names = await names_of(connection, "f")

    assert refusing == names - OF_TENANTS


async def test_no_tenant_is_made_up(database: Database) -> None:
    nobody = Planted()
    async with database.superuser.connect() as connection:
        refusing = {
            await refusal(connection, table, nobody.row(table))
            for table in ("project", "worker", "job")
        }

    assert refusing == OF_TENANTS


async def test_history_can_be_neither_changed_nor_deleted_by_anybody(database: Database) -> None:
    for statement in (
        "UPDATE taskrail.event SET title = 'Another'",
        "DELETE FROM taskrail.event",
        "TRUNCATE taskrail.event",
    ):
        async with database.superuser.connect() as connection:
            planted = await plant(connection)
            await insert(connection, "event", planted.row("event"))

            with pytest.raises(Exception, match="events are never changed"):
                await connection.execute(text(statement))


def references(other: Planted) -> list[tuple[str, str, Any]]:
    """(table, column, key of another tenant) for every foreign key within a tenant."""
    worker, task = other.worker_id, other.task_id
    return [
        ("member", "project_id", other.project_id),
        ("member", "worker_id", worker),
        ("task", "project_id", other.project_id),
        ("task", "assignee_id", worker),
        ("task", "created_by_id", worker),
        ("task", "submitted_by_id", worker),
        ("task", "parent_id", task),
        ("lease", "task_id", task),
        ("lease", "holder_id", worker),
        ("lease", "previous_assignee_id", worker),
        ("dependency", "task_id", task),
        ("dependency", "depends_on_id", task),
        ("comment", "task_id", task),
        ("comment", "author_id", worker),
        ("wording", "task_id", task),
        ("tally", "project_id", other.project_id),
    ]


async def names_of(connection: AsyncConnection, kind: str) -> set[str]:
    """Of all constraints of a kind: `c` for checks, `f` for foreign keys."""
    found = await connection.scalars(
        text(
            "SELECT conname FROM pg_constraint"
            " WHERE connamespace = 'taskrail'::regnamespace AND contype::text = :kind"
        ),
        {"kind": kind},
    )
    return set(found)


async def refusal(connection: AsyncConnection, table: str, row: dict[str, Any]) -> str | None:
    """The constraint that refuses the row; None if the row is taken. Nothing stays of it."""
    savepoint = await connection.begin_nested()
    try:
        await insert(connection, table, row)
    except IntegrityError as error:
        cause: Any = error.orig.__cause__ if error.orig else None
        return str(cause.constraint_name)
    finally:
        await savepoint.rollback()
    return None
