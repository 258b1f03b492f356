from tests.history.directed import directed
from tests.survival.site import site
from tests.workers import scene

__all__ = ["directed", "scene", "site"]
