"""The servers that nobody installed: they keep what they were given, and stay behind nobody."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from ops.embedded.account import Account, server_account
from ops.embedded.record import read
from ops.embedded.supervisor import embedded_servers, stop, supervisor_pid
from settings import Settings
from tests.servers import own_folder
from tests.survival.holders import children, holder, is_alive, role
from tests.waiting import until


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """A data folder with a cluster on it. No server runs when a test begins."""
    with own_folder() as folder:
        settings = Settings(data_dir=folder)
        with embedded_servers(settings):
            pass
        yield settings


async def ask(settings: Settings, statement: str) -> object:
    connection = await asyncpg.connect(
        host=str(settings.run_dir), user="postgres", database="taskrail"
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_postgres_is_durable_and_watches_its_statements(settings: Settings) -> None:
    with embedded_servers(settings):
        for name, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "deadlock_timeout": "200ms",
            "shared_preload_libraries": "pg_stat_statements",
            "listen_addresses": "",
            "server_encoding": "UTF8",
        }.items():
            assert await ask(settings, f"SHOW {name}") == value


async def test_valkey_keeps_a_log_evicts_nothing_and_has_no_port(settings: Settings) -> None:
    with embedded_servers(settings):
        redis = Redis.from_url(settings.resolved_redis_url.get_secret_value())
        wanted = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "port": "0",
        }

        assert {**await redis.config_get(*wanted)} == wanted

        await redis.aclose()


async def test_what_was_written_is_there_after_everybody_was_killed(settings: Settings) -> None:
    with holder(settings) as process:
        assert role(process) == "supervisor"
        await ask(settings, "CREATE TABLE kept AS SELECT 1")
        redis = Redis.from_url(settings.resolved_redis_url.get_secret_value())
        await redis.set("kept", 1)
        await redis.aclose()
        for pid in (process.pid, *children(process.pid).values()):
            os.kill(pid, signal.SIGKILL)

    with embedded_servers(settings):
        redis = Redis.from_url(settings.resolved_redis_url.get_secret_value())
        assert await ask(settings, "SELECT count(*) FROM kept") == 1
        assert await redis.get("kept") == b"1"
        await redis.aclose()


async def test_servers_end_with_a_killed_supervisor(settings: Settings) -> None:
    with holder(settings) as process:
        assert role(process) == "supervisor"
        servers = children(process.pid)
        process.kill()

    assert set(servers) == {"postgres", "valkey-server"}
    await until(lambda: _all_gone(servers))


async def test_a_killed_server_comes_back(settings: Settings) -> None:
    with holder(settings) as process:
        assert role(process) == "supervisor"
        before = children(process.pid)

        for server in before.values():
            os.kill(server, signal.SIGKILL)

        await until(lambda: _all_others(process.pid, before))
        await until(lambda: _answers(settings))


async def test_others_use_the_servers_of_the_one_who_was_first(settings: Settings) -> None:
    with holder(settings) as first, holder(settings) as second:
        roles = {role(first), role(second)}
        with embedded_servers(settings) as third:
            assert await ask(settings, "SELECT 1") == 1

    assert roles == {"supervisor", "guest"}
    assert not third.is_supervisor


async def test_one_who_needs_more_than_the_first_one_runs_is_told(settings: Settings) -> None:
    elsewhere = SecretStr("postgresql://nobody@127.0.0.1:1/none")
    with holder(settings.model_copy(update={"database_url": elsewhere})) as first:
        assert role(first) == "supervisor"
        assert set(children(first.pid)) == {"valkey-server"}

        with pytest.raises(RuntimeError, match="without PostgreSQL"), embedded_servers(settings):
            pass


async def test_a_stopped_supervisor_leaves_no_server(settings: Settings) -> None:
    with holder(settings) as process:
        assert role(process) == "supervisor"
        servers = children(process.pid)
        assert supervisor_pid(settings) == process.pid

        assert stop(settings)

        assert await _all_gone(servers)
        assert not stop(settings)


def test_the_record_of_another_process_with_the_same_pid_is_not_believed(
    settings: Settings,
) -> None:
    with embedded_servers(settings):
        record = read(settings.data_dir)
        assert record is not None

        assert record.is_running
        assert not replace(record, started=record.started - 1).is_running


async def test_a_pid_that_is_somebody_elses_by_now_is_no_obstacle(settings: Settings) -> None:
    (settings.data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    with embedded_servers(settings):
        assert await ask(settings, "SELECT 1") == 1


def test_data_of_another_version_is_refused_with_what_to_do(settings: Settings) -> None:
    version = settings.data_dir / "postgres" / "PG_VERSION"
    own = version.read_text()
    version.write_text("15\n")
    try:
        with pytest.raises(RuntimeError, match="made by PostgreSQL 15"), embedded_servers(settings):
            pass
    finally:
        version.write_text(own)


async def test_a_cluster_that_was_begun_and_not_finished_is_made_anew() -> None:
    with own_folder() as folder:
        settings = Settings(data_dir=folder / "with space and " / ("x" * 90))
        making = settings.data_dir / "postgres.making"
        making.mkdir(parents=True)
        for parent in (settings.data_dir, *settings.data_dir.parents[:2]):
            parent.chmod(0o711)
        (making / "PG_VERSION").write_text("18\n")

        with embedded_servers(settings):
            assert await ask(settings, "SELECT current_database()") == "taskrail"
        settings.run_dir.joinpath("valkey.sock").unlink(missing_ok=True)
        settings.run_dir.rmdir()


def test_folders_of_others_keep_their_permissions() -> None:
    with own_folder() as folder:
        folder.parent.chmod(0o700)
        settings = Settings(data_dir=folder)
        if server_account().is_lent:
            with pytest.raises(RuntimeError, match="cannot enter"), embedded_servers(settings):
                pass

        assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_new_folders_let_lent_servers_through_whatever_the_umask() -> None:
    lent = Account(uid=12345, gid=12345)
    with own_folder() as folder:
        before = os.umask(0o077)
        try:
            lent.make_way(folder / "deep" / "down")
        finally:
            os.umask(before)

        assert lent.can_reach(folder / "deep" / "down" / "file")


def test_who_cannot_pass_a_folder_is_not_lent_the_programs_in_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    assert not Account(uid=12345, gid=12345).can_reach(tmp_path / "file")
    assert Account(os.geteuid(), os.getegid()).can_reach(Path(sys.executable))


async def _all_gone(servers: dict[str, int]) -> bool:
    return not any(map(is_alive, servers.values()))


async def _all_others(supervisor: int, before: dict[str, int]) -> bool:
    now = children(supervisor)
    return now.keys() == before.keys() and not set(now.values()) & set(before.values())


async def _answers(settings: Settings) -> bool:
    try:
        return await ask(settings, "SELECT 1") == 1
    except (OSError, asyncpg.PostgresError):
        return False
