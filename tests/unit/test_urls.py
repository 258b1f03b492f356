"""Whatever an operator writes as a database URL, asyncpg and libpq get what was meant."""

from urllib.parse import quote

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url

from db.urls import asyncpg_url, libpq_url, root_certificate

PASSWORDS = [
    "plain", "p@ss", "p:w", "a/b", "50%", "postgresql://x", "a?b", "a#b", "é ü", "[x]", "a+b",
    "a@b/c:d?e=f&g", "?sslrootcert=x",
]  # fmt: skip


def parsed(url: str) -> URL:
    return make_url(asyncpg_url(SecretStr(url)).get_secret_value())


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_scheme_of_postgresql_becomes_asyncpgs(scheme: str) -> None:
    url = parsed(f"{scheme}://ada@db.example:5433/tasks")

    assert url.drivername == "postgresql+asyncpg"
    assert (url.username, url.host, url.port, url.database) == (
        "ada", "db.example", 5433, "tasks",
    )  # fmt: skip


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("encode", [False, True])
def test_a_password_survives_whatever_it_contains(password: str, encode: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    written = quote(password, safe="") if encode else password
    given = f"postgres://ada:{written}@db.example/tasks?sslmode=require"

    url = parsed(given)
    libpq = make_url(libpq_url(SecretStr(given)).get_secret_value())

    assert url.password == libpq.password == password
    assert url.host == libpq.host == "db.example"
    assert root_certificate(SecretStr(given)) is None


def test_a_unix_socket_is_named_in_the_query() -> None:
    url = parsed("postgresql://postgres@/tasks?host=/run/a b")

    assert url.host is None
    assert dict(url.query) == {"host": "/run/a b"}


def test_a_url_without_a_login_keeps_what_stands_after_it() -> None:
    url = parsed("postgresql:///tasks?host=/run/a@b")

    assert (url.username, url.database, url.query["host"]) == (None, "tasks", "/run/a@b")


def test_asyncpg_gets_ssl_and_nothing_that_only_libpq_knows() -> None:
    url = parsed("postgres://a@h/d?sslmode=verify-full&channel_binding=require&sslrootcert=/ca.pem")

    assert dict(url.query) == {"ssl": "verify-full"}


def test_other_parameters_are_kept() -> None:
    url = parsed("postgres://a@h/d?target_session_attrs=read-write&application_name=x")

    assert dict(url.query) == {"target_session_attrs": "read-write", "application_name": "x"}


def test_libpq_gets_its_own_names_back() -> None:
    url = libpq_url(SecretStr("postgresql+asyncpg://a:b@h:5432/d?ssl=require&sslrootcert=/ca.pem"))

    assert url.get_secret_value() == "postgresql://a:b@h:5432/d?sslmode=require&sslrootcert=/ca.pem"


def test_the_root_certificate_is_found() -> None:
    assert root_certificate(SecretStr("postgres://a@h/d?sslrootcert=/ca.pem")) == "/ca.pem"


@pytest.mark.parametrize(
    "url", ["", "mysql://ada:secret@h/d", "postgresql://", "postgresql+psycopg://ada:secret@h/d"]
)
def test_anything_else_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="begins with postgresql://") as refusal:
        asyncpg_url(SecretStr(url))

    assert "secret" not in str(refusal.value)
