"""One answer of the doctor."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was `found` about `subject`; `todo` is empty where all is well."""

    subject: str
    level: Level
    found: str
    todo: str = ""


def good(subject: str, found: object) -> Finding:
    return Finding(subject, "ok", str(found))


def judged(
    subject: str, found: object, todo: str, *, sound: bool, level: Level = "error"
) -> Finding:
    """`level` and `todo` where it is not sound."""
    return good(subject, found) if sound else Finding(subject, level, str(found), todo)
