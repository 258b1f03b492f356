from tests.workers import scene

__all__ = ["scene"]
