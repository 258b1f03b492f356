from tests.dying import bury
from tests.engine import batch_engine, cast, engine, engine_form
from tests.planning import seeded
from tests.reading import reader
from tests.shell import shell
from tests.workers import form, scene

__all__ = [
    "batch_engine",
    "bury",
    "cast",
    "engine",
    "engine_form",
    "form",
    "reader",
    "scene",
    "seeded",
    "shell",
]
