"""The servers a command works with: those of the URLs, or taskrail's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ops.embedded.supervisor import embedded_servers
from ops.loop import run
from ops.preparation import await_prepared, prepare
from settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Running:
    """`is_supervisor`: taskrail's own servers are this process's, and end with it."""

    settings: Settings
    is_supervisor: bool


@contextmanager
def servers() -> Iterator[Running]:
    """Servers that answer, while the block runs; our own ones with the schema and tenant `demo`.

    Servers that a URL names are taken as they are.
    """
    with bare_servers() as running:
        if running.settings.embedded_postgres:
            run((prepare if running.is_supervisor else await_prepared)(running.settings))
        yield running


@contextmanager
def bare_servers() -> Iterator[Running]:
    """The same, but our own database is left as it is, be it empty."""
    settings = load_settings()
    with embedded_servers(settings) as running:
        yield Running(settings, running.is_supervisor)
