"""What an operator sets is what is used, what he misspells is told, what is secret stays so."""

import os
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from arq.connections import RedisSettings
from pydantic import SecretStr, ValidationError
from sqlalchemy.engine import make_url

from db.urls import asyncpg_url
from settings import Settings, load_settings

LONG = "a" * 120
FOLDERS = ["/srv/taskrail", f"/srv/{LONG}", "/srv/with space", "/srv/50%?x=y#z", "/srv/ümlaut"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names nothing of taskrail's."""
    monkeypatch.delenv("TASKRAIL_DATA_DIR")
    return monkeypatch


def test_without_urls_both_servers_are_embedded(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TASKRAIL_DATABASE_URL", "")

    settings = load_settings()

    assert settings.embedded_postgres
    assert settings.embedded_redis


def test_a_url_replaces_its_embedded_server_alone(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TASKRAIL_DATABASE_URL", "postgresql://ada:pw@db.example/tasks")

    settings = load_settings()

    assert (settings.embedded_postgres, settings.embedded_redis) == (False, True)
    assert settings.resolved_database_url.get_secret_value().endswith("@db.example/tasks")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("TASKRAIL_BATCH_JOB", "TASKRAIL_BATCH_JOBS"), ("TASKRAIL_REDISURL", "TASKRAIL_REDIS_URL")],
)
def test_a_misspelt_name_is_an_error_that_names_the_right_one(
    environment: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    environment.setenv(written, "1")

    with pytest.raises(ValueError, match=f"{written} .* did you mean {meant}"):
        load_settings()


def test_no_password_shows_in_a_repr_or_an_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TASKRAIL_DATABASE_URL", "postgresql://a:hush@h/d")
    environment.setenv("TASKRAIL_REDIS_URL", "redis://:hush@h")

    shown = repr(load_settings())
    environment.setenv("TASKRAIL_LOCK_TIMEOUT_MS", "9000")
    with pytest.raises(ValidationError) as caught:
        load_settings()

    assert "hush" not in shown
    assert "time-outs must nest" in str(caught.value)
    assert "input" not in str(caught.value)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_client_finds_the_socket_of_every_data_folder(folder: str) -> None:
    settings = Settings(data_dir=Path(folder))
    postgres = make_url(asyncpg_url(settings.resolved_database_url).get_secret_value())
    redis = settings.resolved_redis_url.get_secret_value()
    socket = str(settings.run_dir / "valkey.sock")

    assert postgres.query["host"] == str(settings.run_dir)
    assert RedisSettings.from_dsn(redis).unix_socket_path == socket
    assert unquote(urlsplit(redis).path) == socket
    assert len(os.fsencode(settings.run_dir / ".s.PGSQL.5432.lock")) < 107


def test_two_long_folders_do_not_share_their_sockets() -> None:
    one, other = (Settings(data_dir=Path(f"/srv/{LONG}/{name}")) for name in "ab")

    assert one.run_dir != other.run_dir


def test_a_relative_folder_is_the_same_from_everywhere(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.chdir(tmp_path)

    assert Settings(data_dir=Path("state")).data_dir == tmp_path / "state"


def test_a_user_without_a_home_has_settings_all_the_same(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(os, "geteuid", lambda: 12345)
    for name in ("HOME", "XDG_STATE_HOME"):
        environment.delenv(name, raising=False)

    settings = load_settings()

    assert settings.data_dir == Path(tempfile.gettempdir()) / "taskrail-12345" / "state"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_each_role_may_have_a_url_of_its_own(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TASKRAIL_KEEPER_DATABASE_URL", "postgresql://keeper@h/d")

    assert load_settings().keeper_database_url == SecretStr("postgresql://keeper@h/d")


def test_queues_and_their_shares_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKRAIL_QUEUE_SHARES", '{"arq:queue": 3, "imports": 1}')

    assert load_settings().shares == {"arq:queue": 3, "imports": 1}


def test_without_shares_all_is_taken_from_the_one_queue() -> None:
    assert Settings(queue_name="mine").shares == {"mine": 1}


def test_a_queue_without_a_share_is_refused() -> None:
    with pytest.raises(ValueError, match="the share of a queue is at least 1"):
        Settings(queue_shares={"arq:queue": 0})


def test_recorded_jobs_are_fed_to_a_queue_that_is_taken_from() -> None:
    with pytest.raises(ValueError, match="no share for TASKRAIL_QUEUE_NAME"):
        Settings(queue_shares={"imports": 1})

    assert Settings(queue_shares={"imports": 1}, queue_name="imports").shares == {"imports": 1}
