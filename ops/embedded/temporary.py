"""Servers for a while on a folder of their own: for tests, benchmarks and chaos."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.embedded.supervisor import embedded_servers
from settings import GivenSettings, Settings


@contextmanager
def own_servers() -> Iterator[Settings]:
    """A PostgreSQL and a Valkey of this block's own, gone with all their data afterwards.

    The settings lead to nothing else, whatever the environment says.
    """
    with own_folder() as folder:
        settings = GivenSettings(data_dir=folder)
        with embedded_servers(settings):
            yield settings


@contextmanager
def own_folder() -> Iterator[Path]:
    """A data folder that is not there yet; it is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="taskrail-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # root's servers run as another user, who must get through
        yield Path(folder) / "data"
