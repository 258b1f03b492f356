"""Bytes to jobs and back. JSON only; what cannot be read becomes a record of why, never an error.

On the wire Arq's dict stands around one envelope: {"t": try, "f": function, "a": [envelope],
"k": {}, "et": enqueued at, in milliseconds}. Good bytes are validated in one pass; whatever that
refuses is looked at again, slowly, to find out whose it was. Signed messages: signing.py.
"""

import re
from asyncio import CancelledError
from dataclasses import dataclass
from typing import Any, Literal, NotRequired
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

# Not typing's: pydantic needs this one before Python 3.12.
from typing_extensions import TypedDict

from jobs.envelope import (
    MAX_ENVELOPE_BYTES,
    PAYLOADS,
    SYSTEM_KINDS,
    VERSIONS,
    AnyJob,
    Job,
    WireJob,
)
from jobs.signing import Keyring, Signed
from jobs.upcasting import read_earlier
from jobs.values import storable_json

MAX_WIRE_BYTES = MAX_ENVELOPE_BYTES + 4096
"""An envelope, and room for Arq's dict around it."""
MAX_MESSAGE_CHARACTERS = 500
MAX_WHERE_CHARACTERS, MAX_WHAT_CHARACTERS = 150, 250
KIND = re.compile(r"[a-z][a-z0-9_.]{0,63}")
EXTRA_DEPTH = 48
"""A tree of subtasks is nested deeper than free JSON may be."""
REFERENCE = {"tenant_id", "id"}
REFUSED = (
    "The job was not accepted: {flaw}. Nothing of it is recorded; sign it with a key of this tenant"
    " and send it again, under the same id."
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A wake-up for a recorded job: the ledger's envelope is what is applied."""

    tenant_id: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class InvalidJob:
    """The header can be read, the rest is wrong: to be rejected as invalid."""

    tenant_id: UUID
    id: UUID
    kind: str
    envelope: dict[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class UnknownJob:
    """A kind or version that this worker does not know: to be parked."""

    tenant_id: UUID
    id: UUID
    kind: str
    envelope: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Poison:
    """Nobody knows whose job this was; its bytes are all there is.

    `claimed`: what a forged one said it was. Its sender may be told, nothing else may rest on it.
    """

    raw: bytes
    reason: Literal["unreadable", "unknown_tenant", "payload_gone", "forged"]
    message: str
    claimed: Reference | None = None
    traceback: str | None = None


Request = AnyJob | Reference | InvalidJob | UnknownJob | Poison


class _Wire(TypedDict):
    t: NotRequired[Any]
    f: NotRequired[Any]
    a: tuple[WireJob]
    k: NotRequired[Any]
    et: NotRequired[Any]


_WIRE: TypeAdapter[_Wire] = TypeAdapter(_Wire)
_ENVELOPE: TypeAdapter[AnyJob] = TypeAdapter(WireJob)


def read(raw: bytes, keyring: Keyring | None = None) -> Request:
    """What Arq's payload `raw` asks for. Never raises, whatever the bytes.

    With a keyring only jobs that are signed are read; all others are poison, `forged`.
    """
    if len(raw) > MAX_WIRE_BYTES:
        return _unreadable(raw, f"{len(raw)} bytes; an envelope has at most {MAX_ENVELOPE_BYTES}")
    if keyring is not None:
        return _read_signed(raw, keyring)
    try:
        return _WIRE.validate_json(raw)["a"][0]
    except ValidationError as refusal:
        return _read_slowly(raw, refusal)


def read_kept(raw: bytes) -> Request:
    """What was once read in whole, and kept: an envelope, in Arq's dict or bare. Never raises."""
    try:
        kept = load(raw)
    except (TypeError, ValueError) as error:
        return _unreadable(raw, str(error))
    return read(raw) if isinstance(kept.get("a"), list) else read_envelope(kept)


def read_envelope(envelope: Any) -> Request:
    """What an envelope asks for that is JSON already, such as a recorded one. Never raises."""
    try:
        raw = to_json(envelope)
    except ValueError as error:
        return _unreadable(repr(envelope).encode(errors="replace"), str(error))
    try:
        return _ENVELOPE.validate_json(raw)
    except ValidationError as refusal:
        return _recognise(envelope, raw, refusal)


def dump(data: dict[str, Any]) -> bytes:
    """Arq's dicts, of jobs and of results, as JSON: for Arq's `job_serializer`."""
    return to_json(data)


def load(raw: bytes) -> dict[str, Any]:
    """The dict that `dump` was given: for Arq's `job_deserializer` on the producers' side.

    The result of a job that was aborted is an asyncio.CancelledError, with the outcome in it.

    Raises ValueError or TypeError if `raw` is not a JSON object; a pickle never is.
    """
    data = from_json(raw)
    if not isinstance(data, dict):
        raise TypeError("not a JSON object")
    if data.get("s") is False and isinstance(data.get("r"), dict):
        # For Arq's `Job.abort`, which wants to see this.
        data["r"] = CancelledError(data["r"])
    return data


def function_of(raw: bytes) -> str | None:
    """The name of the function in Arq's dict, if there is one."""
    try:
        name = load(raw).get("f")
    except (TypeError, ValueError):
        return None
    return name if isinstance(name, str) else None


def _read_signed(raw: bytes, keyring: Keyring) -> Request:
    """A wake-up passes as it is: it only names what the ledger has accepted."""
    argument = _argument(raw)
    if isinstance(argument, Poison):
        return argument
    signed = Signed.of(argument)
    request = read(raw) if signed is None else _read_text(signed.text, raw)
    if isinstance(request, Reference | Poison):
        return request
    flaw = keyring.flaw(signed, _kid(request), request.tenant_id)
    if flaw is None:
        return request
    claimed = Reference(request.tenant_id, request.id)
    return Poison(raw, "forged", REFUSED.format(flaw=flaw), claimed)


def _kid(request: AnyJob | InvalidJob | UnknownJob) -> Any:
    """As it is going to be applied: a name that stands twice in the JSON deceives nobody."""
    return request.kid if isinstance(request, Job) else request.envelope.get("kid")


def _read_slowly(raw: bytes, refusal: ValidationError) -> Request:
    argument = _argument(raw)
    if isinstance(argument, Poison):
        return argument
    signed = Signed.of(argument)
    return _recognise(argument, raw, refusal) if signed is None else _read_text(signed.text, raw)


def _argument(raw: bytes) -> Any:
    """The one argument in Arq's dict; Poison if there is none."""
    try:
        args = load(raw).get("a")
    except (TypeError, ValueError) as error:
        return _unreadable(raw, str(error))
    if not isinstance(args, list) or len(args) != 1:
        return _unreadable(raw, "Arq's list of arguments does not hold exactly one envelope")
    return args[0]


def _read_text(text: str, raw: bytes) -> Request:
    try:
        return _ENVELOPE.validate_json(text)
    except ValidationError as error:
        refusal = error
    try:
        envelope = from_json(text)
    except ValueError as error:
        return _unreadable(raw, str(error))
    return _recognise(envelope, raw, refusal)


def _recognise(envelope: Any, raw: bytes, refusal: ValidationError) -> Request:
    """Whose job it was, as far as the header says, and what became of the rest."""
    if not isinstance(envelope, dict):
        return _unreadable(raw, "the envelope is not a JSON object")
    tenant_id, job_id = _uuid(envelope.get("tenant_id")), _uuid(envelope.get("id"))
    if tenant_id is None or job_id is None:
        return _unreadable(raw, "the envelope has no readable tenant_id and id")
    if envelope.keys() == REFERENCE:
        return Reference(tenant_id, job_id)
    flaw = _flaw_of_storing(envelope)
    if flaw is not None:
        return _unreadable(raw, flaw)
    return _understand((tenant_id, job_id), envelope, refusal)


def _understand(
    key: tuple[UUID, UUID], envelope: dict[str, Any], refusal: ValidationError
) -> Request:
    """What is asked for in a way that this worker does not know, or knew once, or never did."""
    kind, version = str(envelope["kind"]), _version(envelope)
    if kind not in PAYLOADS or not 1 <= version <= VERSIONS[kind]:
        return UnknownJob(*key, kind, envelope)
    if version < VERSIONS[kind]:
        try:
            return read_earlier(kind, version, envelope)
        except ValidationError as error:
            refusal = error
    return InvalidJob(*key, kind, envelope, _explained(kind, refusal))


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _flaw_of_storing(envelope: dict[str, Any]) -> str | None:
    """Why the ledger cannot keep this envelope, if it cannot."""
    kind = envelope.get("kind")
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        return "the envelope has no readable kind"
    try:
        storable_json(envelope, depth=-EXTRA_DEPTH)
    except ValueError as error:
        return str(error)
    return None


def _version(envelope: dict[str, Any]) -> int:
    """The first, if the envelope says none, or nothing that could be one."""
    version = envelope.get("schema_version", 1)
    return version if type(version) is int else 1


def _explained(kind: str, refusal: ValidationError) -> str:
    """The first fault: where it is and what is wanted there."""
    if kind in SYSTEM_KINDS:
        return f"{kind} is made by the system alone; no producer may send it."
    faults = refusal.errors(include_url=False, include_context=False, include_input=False)
    loc = faults[0]["loc"]
    # Before the branch of the union come Arq's names, which are no fields of the envelope.
    inside = loc[loc.index(kind) + 1 :] if kind in loc else loc
    where = ".".join(map(str, inside)) or "envelope"
    what = faults[0]["msg"].removeprefix("Value error, ")[:MAX_WHAT_CHARACTERS]
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{where[:MAX_WHERE_CHARACTERS]}: {what}{more}. Correct it and use a new id."


def _unreadable(raw: bytes, message: str) -> Poison:
    return Poison(raw, "unreadable", message[:MAX_MESSAGE_CHARACTERS])
