"""An embedded PostgreSQL: durable, on a unix socket only."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

from ops.embedded.account import Account
from ops.embedded.binaries import postgres_programs
from ops.embedded.child import (
    LOOK_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    last_words,
    start,
    stop,
    wait_until,
)

PROCESSES = Path("/proc")
SOCKET_LOCK = ".s.PGSQL.5432.lock"
DATABASE = "taskrail"
SETTINGS = {
    "listen_addresses": "",
    "shared_preload_libraries": "pg_stat_statements",
    "deadlock_timeout": "200ms",
    # Plans that were made for empty tables, foreign keys' too, live until statistics change.
    "autovacuum_naptime": "20s",
    # Solid-state disks; at the default of 4 a search of 100,000 tasks reads them from end to end.
    "random_page_cost": "1.1",
    "fsync": "on",
    "synchronous_commit": "on",
}


class Postgres:
    """One server on one data folder. Start and stop it from one thread.

    `programs`: the folder of another installation's postgres, initdb and psql.
    """

    def __init__(
        self, folder: Path, run_dir: Path, account: Account, programs: Path | None = None
    ) -> None:
        self._data = folder / "postgres"
        self._log = folder / "postgres.log"
        self._run_dir = run_dir
        self._account = account
        self._programs = programs or postgres_programs(account)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The server answers, and the database `taskrail` is there."""
        if not (self._data / "PG_VERSION").exists():
            self._make_cluster()
        self._require_version()
        self._forget_former_server()
        options = {**SETTINGS, "unix_socket_directories": str(self._run_dir)}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [self._programs / "postgres", "-D", self._data, *flags]
        self.process = start(command, self._account, self._log, signal.SIGINT)
        wait_until(self._is_ready, self.process, "PostgreSQL", self._log)
        if DATABASE not in self._ask("SELECT datname FROM pg_database").split():
            self._ask(f"CREATE DATABASE {DATABASE}")

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGINT)

    def _make_cluster(self) -> None:
        """All of it or nothing: one that was interrupted is begun anew."""
        making = self._data.with_name("postgres.making")
        if making.exists():
            shutil.rmtree(making)
        self._account.make_folder(making)
        command = [
            self._programs / "initdb",
            *("-D", making, "-U", "postgres", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
        ]
        process = start(command, self._account, self._log, signal.SIGKILL)
        if process.wait(START_SECONDS) != 0:
            raise RuntimeError(f"initdb failed; {self._log} says: {last_words(self._log)}")
        making.rename(self._data)

    def _require_version(self) -> None:
        stored = (self._data / "PG_VERSION").read_text().strip()
        output = self._run("postgres", "--version")
        major = output.split()[-1].partition(".")[0]
        if stored != major:
            raise RuntimeError(
                f"{self._data} was made by PostgreSQL {stored}, this is {major}: dump it with the "
                "old version and load it into a new data folder"
            )

    def _forget_former_server(self) -> None:
        """A server that is on its way out is waited for, then its lock files are removed.

        The pid in them may be another process's by now, or a zombie's. They are never removed
        before: backends outlive a killed postmaster, and the files keep two servers apart.
        """
        if not PROCESSES.exists():
            return
        deadline = time.monotonic() + STOP_SECONDS
        while pids := _postgres_processes(self._data):
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"another PostgreSQL (pids {pids}) runs on {self._data}: stop it"
                )
            time.sleep(LOOK_SECONDS)
        for lock in (self._data / "postmaster.pid", self._run_dir / SOCKET_LOCK):
            lock.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        command = [self._programs / "pg_isready", "-q", "-h", self._run_dir]
        return subprocess.run(list(map(str, command)), check=False).returncode == 0  # noqa: S603

    def _ask(self, statement: str) -> str:
        return self._run(
            *("psql", "-X", "-h", self._run_dir, "-U", "postgres", "-d", "postgres"),
            *("-tA", "-v", "ON_ERROR_STOP=1", "-c", statement),
        )

    def _run(self, program: str, *arguments: str | Path) -> str:
        command = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        return done.stdout.strip()


def _postgres_processes(data: Path) -> list[int]:
    """Postmaster and backends on this folder: it is where all of them live."""
    home = data.resolve()
    pids = [int(entry.name) for entry in PROCESSES.iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if _is_postgres(PROCESSES / str(pid), home)]


def _is_postgres(process: Path, home: Path) -> bool:
    try:
        program, folder = (process / "exe").readlink(), (process / "cwd").readlink()
    except OSError:  # it ended, or is somebody else's
        return False
    return program.name.startswith("postgres") and folder == home
