"""Driver errors become JobErrors: here, and nowhere else.

By `connection_invalidated` first, then by SQLSTATE; never by SQLAlchemy's class (40001, 40P01 and
55P03 arrive as plain DBAPIError) and never by the text of a message. What db/driver.py sends comes
back as asyncpg's own errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.errors import JobConflict, JobDataError, JobError, StoreUnavailable

CONFLICTS = frozenset({"40001", "40P01", "55P03", "57014"})
"""Serialization failure, deadlock, lock time-out, statement time-out: read again, at once."""
DATA_CLASSES = frozenset({"22", "23", "54"})
"""A value that the database refuses, or is too large for it, belongs to one job of the batch."""
NOT_SENT = "22000"
"""What asyncpg gives a value that it cannot encode; for those that SQLAlchemy cannot."""
STALE_PLAN = "InvalidCachedStatementError"
"""A migration changed a table under a prepared statement; the next try prepares it anew."""


@contextmanager
def translated() -> Iterator[None]:
    """What the driver raises inside comes out as a JobError; all else passes unchanged."""
    try:
        yield
    except Exception as error:
        job_error = translate(error)
        if job_error is None:
            raise
        raise job_error from error


def translate(error: BaseException) -> JobError | None:
    """The JobError for a driver's error; None for what is no driver's."""
    match error:
        case DBAPIError():
            return _from_sqlalchemy(error)
        case PostgresError():
            return _judged(error.sqlstate, error, error)
        case StatementError(orig=ValueError() | TypeError() as refusal):
            return JobDataError(str(refusal).partition("\n")[0], NOT_SENT)
        case PoolTimeout():
            return StoreUnavailable("no connection of the pool became free")
        case OSError() | TimeoutError() | InterfaceError() | InternalClientError():
            return StoreUnavailable(f"PostgreSQL cannot be reached: {error or 'no answer'}")
        case _:
            return None


def _from_sqlalchemy(error: DBAPIError) -> JobError:
    original = error.orig
    sqlstate = getattr(original, "sqlstate", None)
    # No statement: connecting failed, and a role that is missing is an "invalid value" as well.
    has_not_connected = error.statement is None and str(sqlstate).startswith("22")
    if error.connection_invalidated or has_not_connected:
        return StoreUnavailable(_first_line(original), sqlstate)
    return _judged(sqlstate, original, getattr(original, "__cause__", None))


def _judged(sqlstate: str | None, told: object, error: object) -> JobError:
    """`told`: what says the message; `error`: asyncpg's own."""
    message = _first_line(told)
    if sqlstate in CONFLICTS or type(error).__name__ == STALE_PLAN:
        return JobConflict(message, sqlstate)
    if sqlstate is not None and sqlstate[:2] in DATA_CLASSES:
        return JobDataError(message, sqlstate, getattr(error, "constraint_name", None))
    return StoreUnavailable(message, sqlstate)


def _first_line(told: object) -> str:
    return str(told).partition("\n")[0]
