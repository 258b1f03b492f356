"""Who takes part: people who lead and review, agents who work."""

from dataclasses import dataclass
from random import Random
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
AGENTS_PER_TRADE = 14


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
class Cast:
    """The lead owns the projects; the other humans review."""

    humans: list[Somebody]
    agents: list[Somebody]

    @property
    def lead(self) -> Somebody:
        return self.humans[0]


def engage(run: str, random: Random) -> Cast:
    """A cast of its own for each run: `run` makes its handles unique in the tenant."""
    humans = [Somebody(uuid7(), f"@{name.split()[0].lower()}-{run}", name) for name in PEOPLE]
    agents = [
        Somebody(
            uuid7(), f"@{trade}-{number}-{run}", f"{trade.title()} {number}", tuple(can), trade
        )
        for trade, can in TRADES.items()
        for number in range(1, AGENTS_PER_TRADE + 1)
    ]
    random.shuffle(agents)
    return Cast(humans, agents)
