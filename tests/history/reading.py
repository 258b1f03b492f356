"""The facts out of PostgreSQL: a few streamed SELECTs over one snapshot, in plain SQL."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import from_json

from tests.history.facts import Edge, Event, Facts, LedgerRow, Row
from tests.history.recording import History

PREFETCHED = 2_000

LEDGER = """
    SELECT tenant_id::text, id::text, kind, status, events, envelope::text, outcome::text,
        extract(epoch FROM accepted_at)::float8, extract(epoch FROM settled_at)::float8
    FROM taskrail.job
"""
EVENTS = """
    SELECT tenant_id::text, entity_id::text, seq, entity_type, kind, job_id::text, data::text,
        extract(epoch FROM at)::float8
    FROM taskrail.event ORDER BY tenant_id, entity_id, seq
"""
ROWS = """
    SELECT tenant_id::text, id::text, 'project', version, to_jsonb(p)::text FROM taskrail.project p
    UNION ALL
    SELECT tenant_id::text, id::text, 'worker', version, to_jsonb(w)::text FROM taskrail.worker w
    UNION ALL
    SELECT tenant_id::text, id::text, 'task', version, to_jsonb(t)::text FROM taskrail.task t
"""
TALLIES = """
    SELECT tenant_id::text, project_id::text, sum(tasks)::bigint AS task_count,
        sum(completed)::bigint AS completed_count, sum(attempts)::bigint AS used_attempts,
        sum(tokens)::bigint AS used_tokens, sum(money_micros)::bigint AS used_money_micros,
        sum(wall_seconds)::bigint AS used_wall_seconds
    FROM taskrail.tally GROUP BY 1, 2
"""
EDGES = """
    SELECT tenant_id::text, task_id::text, depends_on_id::text, on_failure FROM taskrail.dependency
"""
LEASES = "SELECT tenant_id::text, task_id::text, holder_id::text, token FROM taskrail.lease"
OUTBOX = "SELECT tenant_id::text, entity_id::text, seq FROM taskrail.outbox"
COMMENTS = (
    "SELECT tenant_id::text, task_id::text, count(*)::int FROM taskrail.comment GROUP BY 1, 2"
)
MEMBERS = "SELECT tenant_id::text, project_id::text, worker_id::text FROM taskrail.member"
TENANTS = "SELECT id::text FROM taskrail.tenant"
SEEN = """
    SELECT DISTINCT tenant_id::text FROM taskrail.task
    UNION SELECT DISTINCT tenant_id::text FROM taskrail.job
    UNION SELECT DISTINCT tenant_id::text FROM taskrail.event
"""
IS_UNFINISHED = """
    SELECT EXISTS (SELECT FROM taskrail.job WHERE status = 'accepted')
        OR EXISTS (SELECT FROM taskrail.outbox) AS is_unfinished
"""
LEFT_OVER = """
    SELECT format('%s: %s since %s', application_name, state, xact_start) FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'
        AND pid <> pg_backend_pid()
    UNION ALL
    SELECT format('an advisory lock of process %s', pid) FROM pg_locks
    WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT format('a prepared transaction %s', gid) FROM pg_prepared_xacts
"""


async def read_facts(history: History, connection: Any) -> Facts:
    """One snapshot. `connection`: asyncpg's, of a user who sees every row and may set roles."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return Facts(
            history=history,
            ledger=[_job(*row) async for row in _rows(connection, LEDGER)],
            events=[_event(*row) async for row in _rows(connection, EVENTS)],
            rows=await _entities(connection),
            edges=[Edge(*row) async for row in _rows(connection, EDGES)],
            leases={(t, task): (h, n) async for t, task, h, n in _rows(connection, LEASES)},
            outbox={(t, entity, seq) async for t, entity, seq in _rows(connection, OUTBOX)},
            comments={(t, task): n async for t, task, n in _rows(connection, COMMENTS)},
            members={(t, project, w) async for t, project, w in _rows(connection, MEMBERS)},
            sightings=await _sightings(connection),
            residue=[row[0] async for row in _rows(connection, LEFT_OVER)],
        )


async def _rows(connection: Any, statement: str) -> AsyncIterator[Any]:
    async for row in connection.cursor(statement, prefetch=PREFETCHED):
        yield row


def _job(*fields: Any) -> LedgerRow:
    tenant, job, kind, status, events, envelope, outcome, accepted_at, settled_at = fields
    given, told = from_json(envelope), None if outcome is None else from_json(outcome)
    return LedgerRow(tenant, job, kind, status, events, given, told, accepted_at, settled_at)


def _event(*fields: Any) -> Event:
    tenant, entity, seq, entity_type, kind, job, data, at = fields
    return Event(tenant, entity, seq, entity_type, kind, job, from_json(data), at)


async def _entities(connection: Any) -> list[Row]:
    """What waits in the tally counts as if it had been folded already."""
    waiting = {row[:2]: dict(row) async for row in _rows(connection, TALLIES)}
    rows: list[Row] = []
    async for tenant, entity, entity_type, version, columns in _rows(connection, ROWS):
        row = Row(tenant, entity, entity_type, version, from_json(columns))
        for name, number in waiting.get(row.key, {}).items():
            if name in row.columns:
                row.columns[name] += number
        rows.append(row)
    return rows


async def _sightings(connection: Any) -> list[tuple[str, str]]:
    """Canary reads in the worker's role: one declared tenant, and whose rows are seen then."""
    tenants = [row[0] async for row in _rows(connection, TENANTS)]
    seen: list[tuple[str, str]] = []
    await connection.execute("SET LOCAL ROLE taskrail_worker")
    for tenant in tenants:
        await connection.execute("SELECT set_config('app.tenants', $1, true)", tenant)
        seen += [(tenant, row[0]) for row in await connection.fetch(SEEN)]
    await connection.execute("RESET ROLE")
    return seen
