"""Whom the servers run as. PostgreSQL refuses to be root, so root lends them a system user."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAME = "taskrail"
FALLBACK = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int

    @property
    def is_lent(self) -> bool:
        """Whether servers run as somebody else than this process."""
        return self.uid != os.geteuid()

    def can_reach(self, path: Path) -> bool:
        """Whether every folder on the way to `path` lets this user through."""
        ways = path.resolve().parents
        return not self.is_lent or all(self._may_enter(folder.stat()) for folder in ways)

    def make_way(self, path: Path) -> Path:
        """`path` exists; of what is new, all is ours, and lent servers may pass through it."""
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                folder.chmod(0o755 if self.is_lent else 0o700)
        return path

    def make_folder(self, path: Path) -> Path:
        """`path` exists and, if it is new, is this user's. Folders of others stay as they are."""
        if not path.exists():
            path.mkdir(mode=0o700)
            if self.is_lent:
                os.chown(path, self.uid, self.gid)
        return path

    def _may_enter(self, folder: os.stat_result) -> bool:
        if folder.st_uid == self.uid:
            return bool(folder.st_mode & stat.S_IXUSR)
        if folder.st_gid == self.gid:
            return bool(folder.st_mode & stat.S_IXGRP)
        return bool(folder.st_mode & stat.S_IXOTH)


def server_account() -> Account:
    """The present user; for root the system user `taskrail`, made if it can be, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if not _exists(NAME) and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")):
        made = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
        subprocess.run(made, check=False, capture_output=True)  # noqa: S603 - a fixed command
    user = pwd.getpwnam(NAME if _exists(NAME) else FALLBACK)
    return Account(user.pw_uid, user.pw_gid)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
