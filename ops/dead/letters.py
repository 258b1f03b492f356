"""The job in a dead letter, if a tenant can be found for it now."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.conflicts import translated
from db.reads.dead_filters import Reason
from db.reads.one_dead import Letter, one_letter
from jobs.codec import InvalidJob, Poison, Reference, Request, UnknownJob, read, read_kept
from jobs.envelope import EPHEMERAL_KINDS, AnyJob
from jobs.signing import Keyring

ACTIVE = text("SELECT 1 FROM taskrail.tenant WHERE id = :id AND suspended_at IS NULL")

Sent = AnyJob | InvalidJob | UnknownJob


class NotReplayable(ValueError):  # noqa: N818 - errors say what is the case
    """The letter holds no job that could be recorded; the message says why."""


async def sent_in(reader: AsyncEngine, letter_id: UUID, keyring: Keyring | None) -> Sent:
    """What is asked for in the letter's bytes, by a tenant that there is. Raises NotReplayable.

    With a keyring what nobody could read must be signed, as it would have had to be. Raises
    StoreUnavailable, too.
    """
    with translated():
        return await _sent_in(reader, letter_id, keyring)


async def _sent_in(reader: AsyncEngine, letter_id: UUID, keyring: Keyring | None) -> Sent:
    async with reader.connect() as connection:
        letter = await one_letter(connection, letter_id)
        if letter is None:
            raise NotReplayable("there is no such dead letter any more")
        request = _sent(letter, keyring)
        if not await _is_active(connection, request.tenant_id):
            raise NotReplayable(f"there is still no active tenant {request.tenant_id}")
        return request


def _sent(letter: Letter, keyring: Keyring | None) -> Sent:
    if letter.reason == Reason.PAYLOAD_GONE:
        raise NotReplayable("Redis had no bytes for it, so there is nothing to replay")
    if letter.reason == Reason.FORGED:
        raise NotReplayable("nobody vouched for it; its producer may send it again, signed")
    if letter.size > len(letter.raw):
        raise NotReplayable(f"of its {letter.size} bytes only the first {len(letter.raw)} are kept")
    request = _request(letter, keyring)
    if isinstance(request, Poison) and request.reason == "forged":
        raise NotReplayable(request.message)
    if isinstance(request, Poison):
        raise NotReplayable(f"it still cannot be read: {request.message}")
    if isinstance(request, Reference):
        raise NotReplayable("it only wakes a recorded job")
    if request.kind in EPHEMERAL_KINDS:
        raise NotReplayable(f"{request.kind} is answered at once or never: it is not recorded")
    return request


def _request(letter: Letter, keyring: Keyring | None) -> Request:
    """The signature of what has an unknown tenant was looked at when it came."""
    if keyring is not None and letter.reason == Reason.UNREADABLE:
        return read(letter.raw, keyring)
    return read_kept(letter.raw)


async def _is_active(connection: AsyncConnection, tenant_id: UUID) -> bool:
    return (await connection.execute(ACTIVE, {"id": tenant_id})).first() is not None
