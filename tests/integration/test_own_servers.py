"""No test can touch a database that the tests did not make."""

import os
from typing import get_args

import pytest
from pydantic import SecretStr

from benchmarks.processes import environment_of, leading_to
from db.engine import Role, create_engine
from ops.embedded.supervisor import embedded_servers
from ops.embedded.temporary import own_servers
from settings import PREFIX, Settings, load_settings
from tests.databases import Database, named, require_own
from tests.history.arena import Arena
from tests.history.proxies import Proxy
from tests.servers import forget_environment


def test_the_servers_that_an_operator_names_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKRAIL_DATABASE_URL", "postgresql://production/")
    monkeypatch.setenv("TASKRAIL_REDIS_URL", "redis://production")

    forget_environment()

    assert {name for name in os.environ if name.startswith("TASKRAIL_")} == {"TASKRAIL_DATA_DIR"}


def test_the_embedded_servers_of_an_operator_are_out_of_reach() -> None:
    with pytest.raises(OSError, match="/dev/null"), embedded_servers(load_settings()):
        pass


@pytest.fixture
def operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that an operator can export."""
    for name in ("", "OWNER_", "KEEPER_", "READER_"):
        monkeypatch.setenv(f"TASKRAIL_{name}DATABASE_URL", f"postgresql://{name}production/")
    monkeypatch.setenv("TASKRAIL_REDIS_URL", "redis://production")
    monkeypatch.setenv("TASKRAIL_QUEUE_NAME", "production")


@pytest.mark.usefixtures("operators")
def test_own_servers_are_all_that_their_settings_lead_to() -> None:
    with own_servers() as settings:
        engines = [create_engine(settings, role) for role in get_args(Role)]

    assert {engine.url.query["host"] for engine in engines} == {str(settings.run_dir)}
    assert str(settings.run_dir) in settings.resolved_redis_url.get_secret_value()
    assert settings.queue_name == "arq:queue"


@pytest.mark.usefixtures("operators")
def test_a_worker_of_a_benchmark_inherits_no_setting(servers: Settings) -> None:
    given = leading_to(servers)

    inherited = environment_of(given)

    assert {name: inherited[name] for name in inherited if name.startswith(PREFIX)} == given


@pytest.mark.usefixtures("operators")
def test_a_worker_of_a_soak_inherits_no_setting(servers: Settings) -> None:
    arena = Arena(servers, Proxy(servers.run_dir), Proxy(servers.run_dir))

    assert "production" not in str(arena.environment.values())


@pytest.mark.parametrize("role", ["owner", "keeper", "reader"])
def test_no_role_leads_from_the_embedded_database_to_another(role: str) -> None:
    elsewhere = {f"{role}_database_url": SecretStr("postgresql://production/")}
    settings = Settings.model_validate(elsewhere)

    with (
        pytest.raises(RuntimeError, match=f"TASKRAIL_{role.upper()}_DATABASE_URL would lead"),
        embedded_servers(settings),
    ):
        pass


async def test_a_database_without_the_tests_mark_is_refused(servers: Settings) -> None:
    foreign = Database(named(servers, "taskrail"))

    with pytest.raises(RuntimeError, match="not made by the tests"):
        await require_own(foreign)

    await foreign.dispose()
