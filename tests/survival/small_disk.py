"""The servers of a data folder, with PostgreSQL on a small disk of its own that can be filled.

`python -m tests.survival.small_disk` says `ready`, and then takes lines, `fill` and `free`, each of
which it repeats when that is done. The disk is a tmpfs in a mount namespace: nobody else sees it,
and it is gone with this process.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from ops.embedded.account import server_account
from ops.embedded.supervisor import embedded_servers
from ops.loop import end_on_sigterm
from settings import Settings, load_settings

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
DISK_MB = 256
BLOCKS = (1024 * 1024, 1024, 1)


def enter_namespace() -> None:
    """What this process mounts is its own. Raises OSError where the kernel does not allow that."""
    uid, gid = os.geteuid(), os.getegid()
    _require(LIBC.unshare(CLONE_NEWNS | (CLONE_NEWUSER if uid else 0)))
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _require(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))


def put_on_small_disk(settings: Settings) -> Path:
    """PostgreSQL's data is on it; its path."""
    with embedded_servers(settings):
        pass
    account, disk = server_account(), settings.data_dir / "postgres"
    made = disk.rename(disk.with_name("postgres.made"))
    account.make_folder(disk)
    options = f"size={DISK_MB}m,mode=0700,uid={account.uid},gid={account.gid}"
    _require(LIBC.mount(b"tmpfs", os.fsencode(disk), b"tmpfs", 0, options.encode()))
    subprocess.run(["cp", "-a", f"{made}/.", str(disk)], check=True)
    return disk


def fill(ballast: Path) -> None:
    """Not one byte more can be written."""
    with ballast.open("ab", buffering=0) as file:
        for size in BLOCKS:
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


def _require(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    end_on_sigterm()
    enter_namespace()
    settings = load_settings()
    disk = put_on_small_disk(settings)
    with embedded_servers(settings):
        _say("ready")
        for line in sys.stdin:
            if line == "fill\n":
                fill(disk / "ballast")
            else:
                (disk / "ballast").unlink()
            _say(line.strip())


if __name__ == "__main__":
    main()
