"""A server as a child of this process: it dies with its parent, however that one dies."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ops.embedded.account import Account
from ops.orphans import ending_with_parent

START_SECONDS, STOP_SECONDS = 300.0, 20.0
"""A start after a crash reads the log again, which may take minutes."""
LOOK_SECONDS = 0.01


def start(
    command: Sequence[object], account: Account, log: Path, on_parents_death: signal.Signals
) -> subprocess.Popen[bytes]:
    """Runs `command` as `account`. It ends with the *thread* that called this."""
    lent: dict[str, Any] = {}
    if account.is_lent:
        lent = {"user": account.uid, "group": account.gid, "extra_groups": []}
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command line
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
            preexec_fn=ending_with_parent(on_parents_death),  # noqa: PLW1509 - system calls
            **lent,
        )


def wait_until(
    is_ready: Callable[[], bool], process: subprocess.Popen[bytes], name: str, log: Path
) -> None:
    """Returns as soon as the server answers; raises RuntimeError if it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None:
            raise RuntimeError(f"{name} did not start; {log} says: {last_words(log)}")
        if time.monotonic() > deadline:
            stop(process, signal.SIGKILL)
            raise RuntimeError(f"{name} did not answer for {START_SECONDS:.0f} s; see {log}")
        time.sleep(LOOK_SECONDS)


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """The process has ended; it is killed if `how` does not end it in time."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_words(log: Path) -> str:
    """The last line that tells of an error, else the last one."""
    lines = log.read_text(errors="replace").strip().splitlines()[-20:] or ["nothing"]
    told = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (told or lines)[-1]
