"""Processes that hold a data folder's servers, and what the kernel says of their children."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.checkout import CHECKOUT
from settings import Settings

HOLD = """
import sys
from ops.embedded.supervisor import embedded_servers
from ops.loop import end_on_sigterm
from settings import load_settings

end_on_sigterm()
with embedded_servers(load_settings()) as servers:
    print("supervisor" if servers.is_supervisor else "guest", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the servers of this folder; `role` reads what it is."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd="/",
        env=environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate()


def role(process: subprocess.Popen[str]) -> str:
    """`supervisor` or `guest`, as soon as the servers answer; its last words if they do not."""
    assert process.stdout is not None
    assert process.stderr is not None
    said = process.stdout.readline().strip()
    return said or process.stderr.read().strip().splitlines()[-1]


def environment(settings: Settings) -> dict[str, str]:
    """What leads another process to the same data folder."""
    given = {"TASKRAIL_DATA_DIR": str(settings.data_dir), "PYTHONPATH": str(CHECKOUT)}
    for name in ("database_url", "redis_url"):
        if url := getattr(settings, name):
            given[f"TASKRAIL_{name.upper()}"] = url.get_secret_value()
    return {**os.environ, **given}


def children(pid: int) -> dict[str, int]:
    """Its living child processes, by the name of their program."""
    found = (_status(entry) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return {name: child for name, parent, child in filter(None, found) if parent == pid}


def is_alive(pid: int) -> bool:
    return _status(Path(f"/proc/{pid}")) is not None


def _status(process: Path) -> tuple[str, int, int] | None:
    try:
        head, _, tail = (process / "stat").read_text().rpartition(")")
    except OSError:
        return None
    state, parent = tail.split()[:2]
    return None if state == "Z" else (head.partition("(")[2], int(parent), int(process.name))
