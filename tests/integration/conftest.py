from tests.workers import form, scene

__all__ = ["form", "scene"]
