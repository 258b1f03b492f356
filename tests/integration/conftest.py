from tests.dying import bury
from tests.engine import cast, engine, engine_form
from tests.planning import seeded
from tests.reading import reader
from tests.workers import form, scene

__all__ = ["bury", "cast", "engine", "engine_form", "form", "reader", "scene", "seeded"]
