"""Whom the nemesis can hurt, and what it leaves."""

from dataclasses import dataclass, field

from tests.history.arena import Arena
from tests.history.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Victims:
    """The servers and workers of one soak."""

    arena: Arena
    fleet: Fleet


@dataclass(slots=True)
class Wound:
    """`lost`: the jobs that stood in Redis when it forgot everything; `published`: the events."""

    detail: str = ""
    lost: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
