import os
import shutil
import tempfile

import hypothesis
import pytest

from ops.checkout import CHECKOUT
from tests.databases import database, runtime, signals, template
from tests.servers import forget_environment, servers

__all__ = ["database", "runtime", "servers", "signals", "template"]


def pytest_configure(config: pytest.Config) -> None:
    """Before any module of a test is imported, which may read the settings."""
    forget_environment()
    if not hasattr(config, "workerinput"):
        share_bytecode(config)
    hypothesis.settings.register_profile(
        "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("any machine")
    if not os.access(CHECKOUT, os.W_OK):
        hypothesis.settings.register_profile("read-only checkout", database=None)
        hypothesis.settings.load_profile("read-only checkout")


def share_bytecode(config: pytest.Config) -> None:
    """The hundreds of processes of a run need not compile a thousand modules each."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    folder = os.environ["PYTHONPYCACHEPREFIX"] = tempfile.mkdtemp(prefix="taskrail-bytecode-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
