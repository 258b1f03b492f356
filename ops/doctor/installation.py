"""Python and the packages that taskrail stands on."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from ops.doctor.finding import Finding, good, judged

PACKAGES = (
    "alembic", "arq", "asyncpg", "click", "pydantic", "redis", "sqlalchemy", "sqlmodel", "uvloop",
)  # fmt: skip
OPTIONAL = frozenset({"uvloop"})
OLDEST_PYTHON = (3, 11)


def installation() -> list[Finding]:
    return [_python(), *map(_package, PACKAGES)]


def _python() -> Finding:
    return judged(
        "python",
        platform.python_version(),
        "taskrail needs Python 3.11 or newer; install one and run ./taskrail again.",
        sound=sys.version_info >= OLDEST_PYTHON,
    )


def _package(name: str) -> Finding:
    try:
        return good(f"package {name}", version(name))
    except PackageNotFoundError:
        return judged(
            f"package {name}",
            "not installed",
            "run `uv sync --frozen`, or start taskrail by ./taskrail, which does.",
            sound=False,
            level="warning" if name in OPTIONAL else "error",
        )
