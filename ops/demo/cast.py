"""Who takes part: teams of people who lead and review, and agents who work."""

from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.payloads.worker import RegisterWorker

PEOPLE = ("Maria Lindqvist", "Tom Okafor", "Aiko Tanaka", "Priya Nair")
TRADES = {
    "researcher": ["research", "interview"],
    "designer": ["design"],
    "writer": ["copy"],
    "coder": ["frontend", "backend"],
    "tester": ["test"],
}
AGENTS_PER_TRADE = 2
"""In each team."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A worker of the play."""

    id: UUID
    handle: str
    name: str
    capabilities: tuple[str, ...] = ()
    agent_type: str | None = None

    def registration(self) -> RegisterWorker:
        return RegisterWorker(
            worker_id=self.id,
            handle=self.handle,
            name=self.name,
            kind=WorkerKind.HUMAN if self.agent_type is None else WorkerKind.AGENT,
            agent_type=self.agent_type,
            capabilities=list(self.capabilities),
            max_concurrent_tasks=None if self.agent_type is None else 4,
        )


@dataclass(frozen=True, slots=True)
class Team:
    """Does one project after the other. The lead owns them, the reviewer reviews."""

    lead: Somebody
    reviewer: Somebody
    agents: list[Somebody]


def engage(run: str, team: int) -> Team:
    """A new team: `run` and its number make its handles unique in the tenant."""
    names = (PEOPLE[team % len(PEOPLE)], PEOPLE[(team + 1) % len(PEOPLE)])
    lead, reviewer = (
        Somebody(uuid7(), f"@{name.split()[0].lower()}-{team}-{run}", name) for name in names
    )
    agents = [
        Somebody(uuid7(), f"@{trade}-{team}-{number}-{run}", f"{trade} {number}", tuple(can), trade)
        for trade, can in TRADES.items()
        for number in range(1, AGENTS_PER_TRADE + 1)
    ]
    return Team(lead, reviewer, agents)
