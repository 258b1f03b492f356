from tests.history.directed import directed
from tests.workers import scene

__all__ = ["directed", "scene"]
