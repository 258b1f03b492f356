"""What clients and the nemesis did, as lines of JSON: a file a process, so that none waits.

Results in Jepsen's words: `ok` has happened, `fail` has not, `info` is unknown. Monotonic times are
the machine's own, so those of different processes can be compared.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Self

from pydantic_core import from_json, to_json

Result = Literal["ok", "fail", "info"]
CONTENT = ("kind", "schema_version", "actor_id", "payload")
"""What makes two envelopes with one id the same job."""
TOLD_ONCE = ("title", "description", "attributes")
"""What the holder of a new lease is told and the ledger does not keep."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a client. `jobs`: the id of each with the hash of the content that was sent.

    record     ok: committed in the ledger; fail: refused, for instance as another job's id
    enqueue    ok: acknowledged by Redis
    ephemeral  renewals and dispatches: answered, not necessarily recorded
    conflict   another content under an id that is known already: must change nothing
    outcome    what the one job's producer was told; `value`: status and hash of the outcome
    published  what came out of the streams; `value`: `<entity_id>:<seq>` of each event
    ready      workers had begun and settled something; `value`: the seconds that this took
    drained    ok: nothing was left; `value`: the `seconds` it took, and `at`, since the epoch
    skipped    a fault that was planned; `value`: its kind, and what kept it from happening
    residue    `value`: what was found outside PostgreSQL when all had ended
    """

    process: str
    op: str
    result: Result
    invoked_ns: int
    returned_ns: int
    tenant: str = ""
    jobs: dict[str, str] = field(default_factory=dict)
    value: Any = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What the nemesis did. Seconds since the epoch, to be compared with the database's times.

    `lost`: the jobs that stood in Redis when it forgot everything; `published`: the events.
    """

    kind: str
    detail: str
    begun_ns: int
    healed_ns: int
    begun_at: float
    healed_at: float
    lost: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class History:
    """Everything that was done, by time."""

    operations: list[Operation] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Recorder:
    """Appends to the file of this process; what was written outlives it."""

    def __init__(self, folder: Path, process: str) -> None:
        self.process = process
        self._file: IO[bytes] = (folder / f"{process}.jsonl").open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def operation(self, op: str, result: Result, invoked_ns: int, **others: Any) -> None:
        """It was called at `invoked_ns` and has returned now."""
        returned_ns = time.monotonic_ns()
        self._write(Operation(self.process, op, result, invoked_ns, returned_ns, **others))

    def drained(self, invoked_ns: int, *, is_ok: bool) -> None:
        seconds = (time.monotonic_ns() - invoked_ns) / 1e9
        value = {"seconds": seconds, "at": time.time()}
        self.operation("drained", "ok" if is_ok else "fail", invoked_ns, value=value)

    def fault(self, fault: Fault) -> None:
        self._write(fault)

    def _write(self, line: Operation | Fault) -> None:
        self._file.write(to_json({"line": type(line).__name__, **asdict(line)}) + b"\n")


def read_history(folder: Path) -> History:
    """The files of all processes, merged by the time of invocation."""
    operations: list[Operation] = []
    faults: list[Fault] = []
    for file in sorted(folder.glob("*.jsonl")):
        for raw in file.read_bytes().splitlines():
            line = from_json(raw)
            if line.pop("line") == Fault.__name__:
                faults.append(Fault(**line))
            else:
                operations.append(Operation(**line))
    operations.sort(key=lambda operation: operation.invoked_ns)
    faults.sort(key=lambda fault: fault.begun_ns)
    return History(operations, faults)


def content_hash(envelope: Mapping[str, Any]) -> str:
    """Equal for envelopes that ask for the same."""
    given = {name: envelope[name] for name in CONTENT if name in envelope}
    return _hash({"schema_version": 1, "actor_id": None} | given)


def outcome_hash(outcome: Mapping[str, Any]) -> str:
    """Equal for what a producer was told and what the ledger keeps of it."""
    result = outcome.get("result") or {}
    if "tasks" not in result:
        return _hash(outcome)
    tasks = [{k: v for k, v in task.items() if k not in TOLD_ONCE} for task in result["tasks"]]
    return _hash({**outcome, "result": {**result, "tasks": tasks}})


def _hash(value: Any) -> str:
    return hashlib.sha256(to_json(_sorted(value))).hexdigest()[:16]


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
