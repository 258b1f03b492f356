"""One supervisor a data folder: parent of its servers, which die with it.

Whoever gets the folder's lock is the supervisor for as long as he holds it; others use his servers.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO

from ops.checkout import CHECKOUT
from ops.embedded.account import Account, server_account
from ops.embedded.child import LOOK_SECONDS, START_SECONDS
from ops.embedded.guardian import Guardian
from ops.embedded.postgres import Postgres
from ops.embedded.record import FILE, Record, read
from ops.embedded.valkey import Valkey
from settings import PREFIX, Settings

STOP_SECONDS = 60.0
"""Workers finish their batch, then the servers write what they hold."""
LOG_NAME = "taskrail.log"
Embedded = Postgres | Valkey


@dataclass(frozen=True, slots=True)
class Servers:
    """`is_supervisor`: the servers are this process's own and end with the block."""

    is_supervisor: bool


@contextmanager
def embedded_servers(settings: Settings) -> Iterator[Servers]:
    """The servers that no URL names answer on their sockets while the block runs.

    Raises RuntimeError or OSError with what keeps them from it.
    """
    _require_one_database(settings)
    if not _wanted(settings):
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
    server_account().make_way(settings.data_dir)
    log = settings.data_dir / LOG_NAME
    paths = {"PYTHONPATH": str(CHECKOUT), f"{PREFIX}DATA_DIR": str(settings.data_dir)}
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",  # the operator's folder is not kept busy, and holds no module of ours
            env={**os.environ, **paths},
        )
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(settings):
        if process.poll() is not None:
            raise RuntimeError(f"it ended with exit code {process.returncode}; see {log}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"it was not ready after {START_SECONDS:.0f} s; see {log}")
        time.sleep(LOOK_SECONDS)


def stop(settings: Settings) -> bool:
    """The folder's supervisor has ended, and its servers; False if there was none."""
    record = read(settings.data_dir)
    if record is None:
        return False
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while record.is_running:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the supervisor (pid {record.pid}) does not end")
        time.sleep(LOOK_SECONDS)
    return True


def supervisor_pid(settings: Settings) -> int | None:
    """The process that runs this folder's servers now."""
    record = read(settings.data_dir)
    return None if record is None else record.pid


def _require_one_database(settings: Settings) -> None:
    """Our own database is nobody's place to migrate or change another from."""
    elsewhere = [role for role, url in settings.role_urls.items() if url is not None]
    if settings.embedded_postgres and elsewhere:
        names = " and ".join(f"{PREFIX}{role.upper()}_DATABASE_URL" for role in elsewhere)
        raise RuntimeError(
            f"{names} would lead from taskrail's own database to another: "
            f"set {PREFIX}DATABASE_URL, too, or unset what is there"
        )


def _wanted(settings: Settings) -> tuple[str, ...]:
    names = {"PostgreSQL": settings.embedded_postgres, "Valkey": settings.embedded_redis}
    return tuple(name for name, is_wanted in names.items() if is_wanted)


def _make_folders(settings: Settings, account: Account) -> None:
    account.make_way(settings.data_dir)
    account.make_way(settings.run_dir.parent)
    account.make_folder(settings.run_dir)
    if settings.run_dir.lstat().st_uid not in {account.uid, os.geteuid()}:
        raise RuntimeError(f"{settings.run_dir} belongs to somebody else: remove it")
    for folder in (settings.data_dir, settings.run_dir):
        if not account.can_reach(folder / "file"):
            raise RuntimeError(
                f"the servers' user cannot enter {folder}: set TASKRAIL_DATA_DIR "
                "to a folder that others may enter, as /var/lib/taskrail"
            )


@contextmanager
def _lock_file(settings: Settings) -> Iterator[IO[str]]:
    path = settings.data_dir / FILE
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+") as lock:
        yield lock


def _is_supervisor(lock: IO[str], settings: Settings) -> bool:
    """True with the lock in hand; False as soon as another supervisor's servers answer."""
    deadline = time.monotonic() + START_SECONDS
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
    servers: list[Embedded] = []
    if settings.embedded_postgres:
        servers.append(Postgres(settings.data_dir, settings.run_dir, account))
    if settings.embedded_redis:
        servers.append(Valkey(settings.data_dir, settings.run_dir, account))
    record = Record.of_this_process(_wanted(settings))
    record.write(lock)
    with Guardian(servers):
        replace(record, ready=True).write(lock)
        try:
            yield
        finally:
            record.write(lock)


def _is_ready(settings: Settings) -> bool:
    """Raises RuntimeError if the supervisor was started for fewer servers than are asked for."""
    record = read(settings.data_dir)
    if record is None or not record.ready:
        return False
    if missing := set(_wanted(settings)) - set(record.servers):
        raise RuntimeError(
            f"process {record.pid} runs the servers of {settings.data_dir} without "
            f"{' and '.join(sorted(missing))}: stop it, or name the same URLs as for it"
        )
    return True
