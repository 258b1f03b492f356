from tests.survival.site import site
from tests.workers import scene

__all__ = ["scene", "site"]
