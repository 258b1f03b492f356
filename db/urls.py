"""Database URLs: what operators write, what asyncpg takes, what libpq's tools take.

Works on the text, never on a parsed password: whatever stands in it survives.
"""

from urllib.parse import parse_qsl, quote, urlencode

from pydantic import SecretStr

SCHEMES = ("postgresql+asyncpg://", "postgresql://", "postgres://")
ASYNC = SCHEMES[0]
UNKNOWN_TO_ASYNCPG = frozenset({"channel_binding", "sslrootcert", "gssencmode", "connect_timeout"})


def asyncpg_url(url: SecretStr) -> SecretStr:
    """The URL for SQLAlchemy's asyncpg dialect. Raises ValueError without showing the URL."""
    rest = _without_scheme(url)
    address, _, query = rest.partition("?")
    kept = [
        ("ssl" if name == "sslmode" else name, value)
        for name, value in parse_qsl(query, keep_blank_values=True)
        if name not in UNKNOWN_TO_ASYNCPG
    ]
    return SecretStr(ASYNC + address + _query(kept))


def libpq_url(url: SecretStr) -> SecretStr:
    """The URL for psql, pg_dump and their like."""
    address, _, query = _without_scheme(url).partition("?")
    kept = [
        ("sslmode" if name == "ssl" else name, value)
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]
    return SecretStr("postgresql://" + address + _query(kept))


def root_certificate(url: SecretStr) -> str | None:
    """The CA file that the server's certificate is checked against, if one is named."""
    query = url.get_secret_value().rpartition("?")[2]
    return dict(parse_qsl(query)).get("sslrootcert")


def _without_scheme(url: SecretStr) -> str:
    text = url.get_secret_value()
    for scheme in SCHEMES:
        if text.startswith(scheme) and len(text) > len(scheme):
            return text.removeprefix(scheme)
    raise ValueError("a database URL begins with postgresql://user@host/database")


def _query(pairs: list[tuple[str, str]]) -> str:
    return "?" + urlencode(pairs, safe="/:,", quote_via=quote) if pairs else ""
