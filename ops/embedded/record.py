"""What a supervisor says of itself in its data folder, for the processes that come after it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

FILE = "supervisor.json"


@dataclass(frozen=True, slots=True)
class Record:
    """`started`: in clock ticks since boot; a pid alone may have become another process's."""

    pid: int
    started: int
    servers: tuple[str, ...]
    ready: bool = False

    @classmethod
    def of_this_process(cls, servers: tuple[str, ...]) -> Self:
        return cls(os.getpid(), _started(os.getpid()), servers)

    @property
    def is_running(self) -> bool:
        return _started(self.pid) == self.started

    def write(self, file: IO[str]) -> None:
        file.seek(0)
        file.truncate()
        json.dump(asdict(self), file)
        file.flush()


def read(data_dir: Path) -> Record | None:
    """The record of the supervisor that runs now; None if none does, or it is just writing."""
    try:
        found = json.loads((data_dir / FILE).read_text())
        record = Record(found["pid"], found["started"], tuple(found["servers"]), found["ready"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if record.is_running else None


def _started(pid: int) -> int:
    """0 if the process is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    is_zombie = fields[0] == "Z"
    return 0 if is_zombie else int(fields[19])
