from tests.shell import shell
from tests.workers import scene

__all__ = ["scene", "shell"]
