"""No test can touch a database that the tests did not make."""

import os

import pytest

from ops.embedded.supervisor import embedded_servers
from settings import Settings, load_settings
from tests.databases import Database, named, require_own
from tests.servers import forget_environment


def test_the_servers_that_an_operator_names_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKRAIL_DATABASE_URL", "postgresql://production/")
    monkeypatch.setenv("TASKRAIL_REDIS_URL", "redis://production")

    forget_environment()

    assert {name for name in os.environ if name.startswith("TASKRAIL_")} == {"TASKRAIL_DATA_DIR"}


def test_the_embedded_servers_of_an_operator_are_out_of_reach() -> None:
    with pytest.raises(OSError, match="/dev/null"), embedded_servers(load_settings()):
        pass


async def test_a_database_without_the_tests_mark_is_refused(servers: Settings) -> None:
    foreign = Database(named(servers, "taskrail"))

    with pytest.raises(RuntimeError, match="not made by the tests"):
        await require_own(foreign)

    await foreign.dispose()
