import os

import hypothesis

from ops.checkout import CHECKOUT
from tests.databases import database, runtime, signals, template
from tests.servers import forget_environment, servers

__all__ = ["database", "runtime", "servers", "signals", "template"]


def pytest_configure() -> None:
    """Before any module of a test is imported, which may read the settings."""
    forget_environment()
    hypothesis.settings.register_profile(
        "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("any machine")
    if not os.access(CHECKOUT, os.W_OK):
        hypothesis.settings.register_profile("read-only checkout", database=None)
        hypothesis.settings.load_profile("read-only checkout")
