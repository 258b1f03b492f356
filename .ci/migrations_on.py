"""Runs all migrations up, down and up again on another PostgreSQL: the folder of its programs."""

import asyncio
import sys
import tempfile
from pathlib import Path

from pydantic import SecretStr

from db.migrate import check, downgrade, upgrade
from ops.embedded.account import server_account
from ops.embedded.postgres import Postgres
from ops.engines import opened
from ops.preparation import make_roles
from settings import Settings


async def migrate(settings: Settings) -> str | None:
    """What the models say otherwise than the database, in the end."""
    await make_roles(settings)
    async with opened(settings, "owner") as owner:
        await upgrade(owner)
        await downgrade(owner, "base")
        await upgrade(owner)
        return await check(owner)


def main() -> None:
    account = server_account()
    with tempfile.TemporaryDirectory(prefix="taskrail-ci-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # root's servers run as another user, who must get through
        data, run_dir = account.make_folder(folder / "data"), account.make_folder(folder / "run")
        server = Postgres(data, run_dir, account, Path(sys.argv[1]))
        server.start()
        try:
            url = f"postgresql://postgres@/taskrail?host={run_dir}"
            difference = asyncio.run(migrate(Settings(database_url=SecretStr(url))))
        finally:
            server.stop()
    if difference:
        sys.exit(difference)


if __name__ == "__main__":
    main()
