"""Whom the nemesis can hurt, and what it leaves."""

from dataclasses import dataclass, field

from tests.history.fleet import Fleet
from tests.history.site import Site


@dataclass(frozen=True, slots=True)
class Scene:
    """The servers and workers of one soak."""

    site: Site
    fleet: Fleet


@dataclass(slots=True)
class Wound:
    """`lost`: the jobs that stood in Redis when it forgot everything; `published`: the events."""

    detail: str = ""
    lost: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
