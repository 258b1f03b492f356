"""Runs all migrations up, down and up again on another PostgreSQL: the folder of its programs."""

import asyncio
import sys
from pathlib import Path

from db.migrate import check, downgrade, upgrade
from ops.embedded.account import server_account
from ops.embedded.postgres import Postgres
from ops.embedded.temporary import own_folder
from ops.engines import opened
from ops.preparation import make_roles
from settings import GivenSettings, Settings


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
    with own_folder() as folder:
        settings = GivenSettings(data_dir=account.make_folder(folder))
        account.make_folder(settings.run_dir)
        server = Postgres(folder, settings.run_dir, account, Path(sys.argv[1]))
        server.start()
        try:
            difference = asyncio.run(migrate(settings))
        finally:
            server.stop()
    if difference:
        sys.exit(difference)


if __name__ == "__main__":
    main()
