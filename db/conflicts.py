"""Driver errors become JobErrors: here, and nowhere else.

By `connection_invalidated` first, then by SQLSTATE; never by SQLAlchemy's class (40001, 40P01 and
55P03 arrive as plain DBAPIError) and never by the text of a message.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from asyncpg.exceptions import InternalClientError
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
            return _from_driver(error)
        case StatementError(orig=ValueError() | TypeError() as refusal):
            return JobDataError(str(refusal).partition("\n")[0], NOT_SENT)
        case PoolTimeout():
            return StoreUnavailable("no connection of the pool became free")
        case OSError() | TimeoutError() | InternalClientError():
            return StoreUnavailable(f"PostgreSQL cannot be reached: {error or 'no answer'}")
        case _:
            return None


def _from_driver(error: DBAPIError) -> JobError:
    original = error.orig
    sqlstate = getattr(original, "sqlstate", None)
    message = str(original).partition("\n")[0]
    cause = getattr(original, "__cause__", None)
    if error.connection_invalidated:
        return StoreUnavailable(message, sqlstate)
    if sqlstate in CONFLICTS or type(cause).__name__ == STALE_PLAN:
        return JobConflict(message, sqlstate)
    if sqlstate is not None and _is_of_a_value(error, sqlstate):
        return JobDataError(message, sqlstate, getattr(cause, "constraint_name", None))
    return StoreUnavailable(message, sqlstate)


def _is_of_a_value(error: DBAPIError, sqlstate: str) -> bool:
    # No statement: connecting failed, and a role that is missing is an "invalid value" as well.
    while_connecting = error.statement is None and sqlstate.startswith("22")
    return sqlstate[:2] in DATA_CLASSES and not while_connecting
