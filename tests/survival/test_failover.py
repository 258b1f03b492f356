"""The primary dies and its standby takes over: the workers find it by themselves (F08)."""

import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from ops.embedded.account import Account, server_account
from ops.embedded.binaries import postgres_programs
from ops.embedded.postgres import DATABASE, Postgres
from ops.verify.run import verify
from settings import Settings
from tests.servers import own_folder
from tests.survival.processes import worker_process
from tests.survival.site import Site, site_on
from tests.waiting import until

JOBS = 400
IS_SYNCHRONOUS = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"


@dataclass(slots=True)
class Pair:
    """A primary that waits for its standby at every commit, so that nothing is lost with it."""

    folder: Path
    account: Account
    site: Site
    primary: Postgres

    @property
    def socket_of_standby(self) -> str:
        return str(self.folder / "standby-run")

    async def promote(self) -> None:
        standby = await asyncpg.connect(f"postgresql://postgres@/?host={self.socket_of_standby}")
        assert await standby.fetchval("SELECT pg_promote()")
        await standby.close()


@pytest.fixture
async def pair(servers: Settings) -> AsyncIterator[Pair]:
    account = server_account()
    with own_folder() as folder:
        account.make_way(folder)
        primary = _server(folder, "primary", account)
        primary.start()
        hosts = f"host={folder}/primary-run&host={folder}/standby-run"
        url = f"postgresql://postgres@/{DATABASE}?{hosts}&target_session_attrs=read-write"
        settings = servers.model_copy(update={"database_url": SecretStr(url)})
        async with site_on(settings) as site:
            standby = _standby(folder, account)
            await _wait_for_standby(site)
            yield Pair(folder, account, site, primary)
        standby.stop()
        primary.stop()


async def test_jobs_go_on_at_the_standby_when_the_primary_dies(pair: Pair) -> None:
    site = pair.site
    async with worker_process(site.settings) as worker:
        handles = await site.producer.enqueue_many([site.cast.task() for _ in range(JOBS)])
        await until(lambda: _has_begun(site))

        assert pair.primary.process is not None
        pair.primary.process.send_signal(signal.SIGQUIT)
        pair.primary.process.wait()
        await pair.promote()

        outcomes = [await handle.outcome(60) for handle in handles]
        assert worker.returncode is None
    assert {outcome["status"] for outcome in outcomes} == {"applied"}
    await site.database.dispose()
    assert await site.engine.count("task", site.cast.tenant_id) == JOBS
    assert (await verify(site.database.engine("reader"))).violations == []


def _server(folder: Path, name: str, account: Account) -> Postgres:
    home, run = folder / name, folder / f"{name}-run"
    for made in (home, run):
        account.make_folder(made)
    return Postgres(home, run, account)


def _standby(folder: Path, account: Account) -> Postgres:
    standby = _server(folder, "standby", account)
    lent = {"user": account.uid, "group": account.gid} if account.is_lent else {}
    command = [
        str(postgres_programs(account) / "pg_basebackup"),
        *("-h", f"{folder}/primary-run", "-U", "postgres", "--checkpoint=fast"),
        *("-D", f"{folder}/standby/postgres", "--write-recovery-conf"),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **lent)  # type: ignore[call-overload]
    standby.start()
    return standby


async def _wait_for_standby(site: Site) -> None:
    """From now on each commit is on both."""
    primary = await asyncpg.connect(
        f"postgresql://postgres@/{DATABASE}?host={_first_host(site.settings)}"
    )
    await primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await primary.execute("SELECT pg_reload_conf()")
    await until(lambda: primary.fetchval(IS_SYNCHRONOUS))
    # Only when the checkpointer has read the configuration, too, do commits wait.
    await primary.execute("CHECKPOINT")
    await primary.close()


def _first_host(settings: Settings) -> str:
    return settings.resolved_database_url.get_secret_value().split("host=")[1].split("&")[0]


async def _has_begun(site: Site) -> bool:
    return await site.engine.count("task", site.cast.tenant_id) > 0
