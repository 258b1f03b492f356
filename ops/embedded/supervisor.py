"""One supervisor a data folder: parent of its servers, which die with it.

Whoever gets the folder's lock is the supervisor for as long as he holds it; others use his servers.
"""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ops.embedded.account import Account, server_account
from ops.embedded.guardian import Guardian
from ops.embedded.postgres import Postgres
from ops.embedded.valkey import Valkey
from settings import Settings

READY_SECONDS = 120.0
LOOK_SECONDS = 0.05
LOG_NAME = "taskrail.log"


@dataclass(frozen=True, slots=True)
class Servers:
    """`is_supervisor`: the servers are this process's own and end with the block."""

    is_supervisor: bool


@contextmanager
def embedded_servers(settings: Settings) -> Iterator[Servers]:
    """The servers that no URL names answer on their sockets while the block runs."""
    if not (settings.embedded_postgres or settings.embedded_redis):
        yield Servers(is_supervisor=False)
        return
    account = server_account()
    _make_folders(settings, account)
    with _lock_file(settings) as lock:
        if _is_supervisor(lock, settings):
            with _supervised(settings, account, lock):
                yield Servers(is_supervisor=True)
        else:
            yield Servers(is_supervisor=False)


def detach(settings: Settings, command: list[str]) -> None:
    """`command` runs in the background as the supervisor, and its servers answer."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = settings.data_dir / LOG_NAME
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(settings):
        if process.poll() is not None:
            raise RuntimeError(f"it ended with exit code {process.returncode}; see {log}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"it was not ready after {READY_SECONDS:.0f} s; see {log}")
        time.sleep(LOOK_SECONDS)


def stop(settings: Settings) -> bool:
    """The folder's supervisor has ended, and its servers; False if there was none."""
    state = _state(settings)
    if state is None or not _is_running(state):
        return False
    os.kill(state["pid"], signal.SIGTERM)
    deadline = time.monotonic() + READY_SECONDS
    while _is_running(state):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the supervisor (pid {state['pid']}) does not end")
        time.sleep(LOOK_SECONDS)
    return True


def supervisor_pid(settings: Settings) -> int | None:
    """The process that runs this folder's servers now."""
    state = _state(settings)
    return state["pid"] if state is not None and _is_running(state) else None


def _make_folders(settings: Settings, account: Account) -> None:
    if not settings.data_dir.exists():
        settings.data_dir.mkdir(parents=True, mode=0o755)
    account.make_folder(settings.run_dir)
    if settings.run_dir.stat().st_uid not in {account.uid, os.geteuid()}:
        raise RuntimeError(f"{settings.run_dir} belongs to somebody else: remove it")
    if not account.can_reach(settings.run_dir / "socket"):
        raise RuntimeError(
            f"the servers' user cannot enter {settings.data_dir}: "
            "set TASKRAIL_DATA_DIR to a folder that others may enter, as /var/lib/taskrail"
        )


@contextmanager
def _lock_file(settings: Settings) -> Iterator[IO[str]]:
    path = settings.data_dir / "supervisor.json"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+") as lock:
        yield lock


def _is_supervisor(lock: IO[str], settings: Settings) -> bool:
    """True with the lock in hand; False as soon as another supervisor's servers answer."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _is_ready(settings):
                return False
            time.sleep(LOOK_SECONDS)
        else:
            return True
    raise RuntimeError(f"another taskrail holds {settings.data_dir} and does not become ready")


@contextmanager
def _supervised(settings: Settings, account: Account, lock: IO[str]) -> Iterator[None]:
    servers: list[Postgres | Valkey] = []
    if settings.embedded_postgres:
        servers.append(Postgres(settings.data_dir, settings.run_dir, account))
    if settings.embedded_redis:
        servers.append(Valkey(settings.data_dir, settings.run_dir, account))
    _write(lock, ready=False)
    with Guardian(servers):
        _write(lock, ready=True)
        try:
            yield
        finally:
            _write(lock, ready=False)


def _write(lock: IO[str], *, ready: bool) -> None:
    lock.seek(0)
    lock.truncate()
    json.dump({"pid": os.getpid(), "started": _started(os.getpid()), "ready": ready}, lock)
    lock.flush()


def _state(settings: Settings) -> dict[str, int] | None:
    try:
        state: dict[str, int] = json.loads((settings.data_dir / "supervisor.json").read_text())
    except (OSError, ValueError):
        return None
    return state


def _is_ready(settings: Settings) -> bool:
    state = _state(settings)
    return state is not None and bool(state["ready"]) and _is_running(state)


def _is_running(state: dict[str, int]) -> bool:
    """The pid alone may have become another process's."""
    return _started(state["pid"]) == state["started"]


def _started(pid: int) -> int:
    """When the process began, in clock ticks since boot; 0 if it is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    is_zombie = fields[0] == "Z"
    return 0 if is_zombie else int(fields[19])
