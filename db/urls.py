"""Database URLs: what operators write, what asyncpg takes, what libpq's tools take.

Whatever stands in a password survives, percent-encoded or not.
"""

from urllib.parse import parse_qsl, quote, unquote, urlencode

from pydantic import SecretStr

SCHEMES = ("postgresql+asyncpg://", "postgresql://", "postgres://")
ASYNC = SCHEMES[0]
PORT = 5432
Query = list[tuple[str, str]]
ADDRESS = frozenset({"host", "port"})
ONLY_LIBPQ = frozenset({
    "channel_binding", "connect_timeout", "gssencmode", "keepalives", "keepalives_idle",
    "keepalives_interval", "keepalives_count", "tcp_user_timeout", "load_balance_hosts",
    "fallback_application_name", "sslcompression", "sslsni",
})  # fmt: skip
"""What asyncpg would hand to the server as a setting, which would refuse it."""


def asyncpg_url(url: SecretStr) -> SecretStr:
    """Where and who, for SQLAlchemy's asyncpg dialect. Raises ValueError without showing the URL.

    Further parameters cannot stand in it: the dialect would make each an argument of `connect`.
    """
    address, query = _parts(url)
    address, hosts = _several_hosts(address)
    where = _with_ports([*hosts, *(p for p in query if p[0] in ADDRESS)])
    return SecretStr(ASYNC + address + _query(where))


def asyncpg_dsn(url: SecretStr) -> SecretStr:
    """The rest of the URL, for asyncpg to read as libpq would: TLS, files, target_session_attrs.

    What it does not know becomes a setting of the session; the server refuses a misspelt one.
    """
    rest = [_as_asyncpg_means(*p) for p in _parts(url)[1] if p[0] not in ADDRESS | ONLY_LIBPQ]
    names = {name for name, _ in rest}
    if "sslrootcert" in names and "sslmode" not in names:
        # Who names a CA wants the certificate checked; asyncpg does that only where a mode says so.
        rest.append(("sslmode", "verify-full"))
    return SecretStr("postgresql://" + _query(rest))


def connect_seconds(url: SecretStr, default: float) -> float | None:
    """How long opening a connection may take; None for ever, which libpq writes as 0."""
    return float(dict(_parts(url)[1]).get("connect_timeout", default)) or None


def libpq_url(url: SecretStr) -> SecretStr:
    """The URL for psql, pg_dump and their like."""
    address, query = _parts(url)
    kept = [("sslmode" if name == "ssl" else name, value) for name, value in query]
    return SecretStr("postgresql://" + address + _query(kept))


def _parts(url: SecretStr) -> tuple[str, Query]:
    """What stands before the query, with the login encoded, and the query."""
    rest = _without_scheme(url)
    # The last @ ends the login: a password may contain one, a host may not.
    login, at, place = ("", "", rest) if rest.startswith("/") else rest.rpartition("@")
    address, _, query = place.partition("?")
    return _encoded(login) + at + address, parse_qsl(query, keep_blank_values=True)


def _as_asyncpg_means(name: str, value: str) -> tuple[str, str]:
    if (name, value) == ("target_session_attrs", "read-write"):
        # The reader's sessions are read-only by design: asyncpg would refuse it its own primary.
        return name, "primary"
    return ("sslmode" if name == "ssl" else name), value


def _several_hosts(address: str) -> tuple[str, Query]:
    """Libpq writes them with commas; SQLAlchemy takes them in the query only."""
    login, at, place = address.rpartition("@")
    hosts, slash, name = place.partition("/")
    if "," not in hosts:
        return address, []
    return login + at + slash + name, [("host", host) for host in hosts.split(",")]


def _with_ports(where: Query) -> Query:
    """SQLAlchemy wants the port of each of several hosts, libpq has a usual one."""
    hosts = [value for name, value in where if name == "host"]
    if len(hosts) < 2:
        return where
    return [("host", host if ":" in host else f"{host}:{PORT}") for host in hosts]


def _encoded(login: str) -> str:
    """Whether or not the operator has percent-encoded it."""
    return ":".join(quote(unquote(part), safe="") for part in login.split(":", maxsplit=1))


def _without_scheme(url: SecretStr) -> str:
    text = url.get_secret_value()
    for scheme in SCHEMES:
        if text.startswith(scheme) and len(text) > len(scheme):
            return text.removeprefix(scheme)
    raise ValueError("a database URL begins with postgresql://user@host/database")


def _query(pairs: Query) -> str:
    return "?" + urlencode(pairs, safe="/:,", quote_via=quote) if pairs else ""
