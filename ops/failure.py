"""What a command says when it cannot do what it was asked: what, why, what to do. One line."""

import re

import click

MAX_REASON = 300
PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^\s]*@")

HINTS = {
    "asyncpg": "is PostgreSQL up and TASKRAIL_DATABASE_URL right? `taskrail doctor` checks it.",
    "sqlalchemy": "is PostgreSQL up and migrated? `taskrail doctor` checks it.",
    "redis": "is Redis up and TASKRAIL_REDIS_URL right? `taskrail doctor` checks it.",
    "alembic": "`taskrail migrate current` says where the schema stands.",
    "pydantic": "correct the TASKRAIL_… variable that is named here.",
    "pydantic_settings": "correct the TASKRAIL_… variable that is named here.",
    "pydantic_core": "correct the value that is named here.",
    "settings": "correct the TASKRAIL_… variable that is named here.",
    "jobs": "`taskrail doctor` says which server is away.",
    "builtins": "`taskrail doctor` checks servers and installation; -v shows the traceback.",
}


class CommandFailed(click.ClickException):
    """Ends the command with exit code 1 and one line: what, why, what to do."""

    exit_code = 1

    def __init__(self, what: str, why: str, todo: str) -> None:
        super().__init__(redacted(f"{what}: {_one_line(why)} — {todo}"))


def described(error: Exception) -> click.ClickException:
    """Any error as the one line that an operator can act upon."""
    if isinstance(error, ExceptionGroup):
        return described(error.exceptions[0])
    if isinstance(error, click.ClickException):
        return error
    package = type(error).__module__.partition(".")[0]
    hint = HINTS.get(package, "-v shows the traceback.")
    return CommandFailed(type(error).__name__, _reason(error), hint)


def redacted(text: str) -> str:
    """`text` with the passwords of all URLs in it hidden."""
    return PASSWORD.sub(r"\1:***@", text)


def _reason(error: Exception) -> str:
    """SQLAlchemy wraps the driver's error; the driver's own words are the plain ones."""
    original = getattr(error, "orig", None)
    return str(original or error) or "no more is known"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_REASON else line[:MAX_REASON] + "…"
