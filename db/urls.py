"""Database URLs: what operators write, what asyncpg takes, what libpq's tools take.

Whatever stands in a password survives, percent-encoded or not.
"""

from urllib.parse import parse_qsl, quote, unquote, urlencode

from pydantic import SecretStr

SCHEMES = ("postgresql+asyncpg://", "postgresql://", "postgres://")
ASYNC = SCHEMES[0]
Query = list[tuple[str, str]]
UNKNOWN_TO_ASYNCPG = frozenset({"channel_binding", "sslrootcert", "gssencmode", "connect_timeout"})


def asyncpg_url(url: SecretStr) -> SecretStr:
    """The URL for SQLAlchemy's asyncpg dialect. Raises ValueError without showing the URL."""
    address, query = _parts(url)
    kept = [
        ("ssl" if name == "sslmode" else name, value)
        for name, value in query
        if name not in UNKNOWN_TO_ASYNCPG
    ]
    return SecretStr(ASYNC + address + _query(kept))


def libpq_url(url: SecretStr) -> SecretStr:
    """The URL for psql, pg_dump and their like."""
    address, query = _parts(url)
    kept = [("sslmode" if name == "ssl" else name, value) for name, value in query]
    return SecretStr("postgresql://" + address + _query(kept))


def root_certificate(url: SecretStr) -> str | None:
    """The CA file that the server's certificate is checked against, if one is named."""
    return dict(_parts(url)[1]).get("sslrootcert")


def _parts(url: SecretStr) -> tuple[str, Query]:
    """What stands before the query, with the login encoded, and the query."""
    rest = _without_scheme(url)
    # The last @ ends the login: a password may contain one, a host may not.
    login, at, place = ("", "", rest) if rest.startswith("/") else rest.rpartition("@")
    address, _, query = place.partition("?")
    return _encoded(login) + at + address, parse_qsl(query, keep_blank_values=True)


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
