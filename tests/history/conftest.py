from tests.shell import compiled, shell
from tests.workers import scene

__all__ = ["compiled", "scene", "shell"]
