"""Whatever an operator writes as a database URL, asyncpg and libpq get what was meant."""

from urllib.parse import quote

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url

from db.urls import asyncpg_dsn, asyncpg_url, connect_seconds, libpq_url

PASSWORDS = [
    "plain", "p@ss", "p:w", "a/b", "50%", "postgresql://x", "a?b", "a#b", "é ü", "[x]", "a+b",
    "a@b/c:d?e=f&g", "?sslrootcert=x",
]  # fmt: skip


def parsed(url: str) -> URL:
    return make_url(asyncpg_url(SecretStr(url)).get_secret_value())


def rest(url: str) -> str:
    return asyncpg_dsn(SecretStr(url)).get_secret_value()


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
    assert rest(given) == "postgresql://?sslmode=require"


def test_a_unix_socket_is_named_in_the_query() -> None:
    url = parsed("postgresql://postgres@/tasks?host=/run/a b")

    assert url.host is None
    assert dict(url.query) == {"host": "/run/a b"}


def test_a_url_without_a_login_keeps_what_stands_after_it() -> None:
    url = parsed("postgresql:///tasks?host=/run/a@b")

    assert (url.username, url.database, url.query["host"]) == (None, "tasks", "/run/a@b")


@pytest.mark.parametrize(
    "several",
    ["a@one,two:5433/tasks?", "a@/tasks?host=one&host=two:5433&", "a@/tasks?host=/x&host=/y&"],
)
def test_several_hosts_have_the_usual_port_unless_they_name_one(several: str) -> None:
    url = parsed(f"postgresql://{several}target_session_attrs=read-write")

    hosts = [host.partition(":") for host in url.query["host"]]
    assert len(hosts) == 2
    assert {port for _, _, port in hosts} <= {"5432", "5433"}


def test_several_hosts_may_be_written_as_libpq_does() -> None:
    url = parsed("postgresql://a:b@one:5432,two:5433/tasks?target_session_attrs=read-write")

    assert (url.host, url.database) == (None, "tasks")
    assert url.query["host"] == ("one:5432", "two:5433")


def test_sqlalchemy_gets_no_parameter_but_the_place() -> None:
    url = parsed("postgres://a@/d?host=/run&port=5433&sslmode=require&application_name=x&options=y")

    assert dict(url.query) == {"host": "/run", "port": "5433"}


def test_asyncpg_gets_the_other_parameters_under_libpqs_names() -> None:
    given = "postgresql+asyncpg://a:b@h/d?ssl=verify-full&sslrootcert=/ca.pem&options=-c%20x%3D1"

    assert rest(given) == "postgresql://?sslmode=verify-full&sslrootcert=/ca.pem&options=-c%20x%3D1"


@pytest.mark.parametrize(
    ("written", "mode"),
    [("", "&sslmode=verify-full"), ("&sslmode=verify-ca", "&sslmode=verify-ca")],
)
def test_who_names_a_root_certificate_has_it_checked(written: str, mode: str) -> None:
    assert rest(f"postgres://a@h/d?sslrootcert=/ca.pem{written}") == (
        f"postgresql://?sslrootcert=/ca.pem{mode}"
    )


def test_who_asks_for_a_server_that_takes_writes_gets_the_primary() -> None:
    """The reader asks as well, and its sessions are read-only by design."""
    assert rest("postgres://a@one,two/d?target_session_attrs=read-write") == (
        "postgresql://?target_session_attrs=primary"
    )


def test_what_only_libpq_can_do_is_left_out() -> None:
    assert rest("postgres://a@h/d?channel_binding=require&keepalives=1&connect_timeout=3") == (
        "postgresql://"
    )


@pytest.mark.parametrize(("written", "seconds"), [("", 10), ("?connect_timeout=3", 3)])
def test_the_url_may_say_how_long_connecting_may_take(written: str, seconds: float) -> None:
    assert connect_seconds(SecretStr(f"postgres://a@h/d{written}"), 10) == seconds


def test_no_seconds_to_connect_means_for_ever_as_in_libpq() -> None:
    assert connect_seconds(SecretStr("postgres://a@h/d?connect_timeout=0"), 10) is None


def test_libpq_gets_its_own_names_back() -> None:
    url = libpq_url(SecretStr("postgresql+asyncpg://a:b@h:5432/d?ssl=require&sslrootcert=/ca.pem"))

    assert url.get_secret_value() == "postgresql://a:b@h:5432/d?sslmode=require&sslrootcert=/ca.pem"


@pytest.mark.parametrize(
    "url", ["", "mysql://ada:secret@h/d", "postgresql://", "postgresql+psycopg://ada:secret@h/d"]
)
def test_anything_else_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="begins with postgresql://") as refusal:
        asyncpg_url(SecretStr(url))

    assert "secret" not in str(refusal.value)
