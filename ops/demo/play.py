"""The play: cast, plan, work, reviews; projects are added until enough jobs are settled."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ops.demo.agents import Floor, agent_at_work, agent_falling_silent
from ops.demo.cast import Cast, engage
from ops.demo.desk import Desk
from ops.demo.humans import close, plan, register, reviewer
from ops.demo.plan import Relaunch, relaunch

SILENT_PAIRS = 2
MIN_BACKLOG = 60
"""Below this another project is begun, so that the agents have something to do."""
LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Play:
    """One run of the demo; `run` is a short word that no other run has."""

    desk: Desk
    run: str
    jobs: int
    on_scene: Callable[[str], None] = lambda _: None

    async def perform(self) -> None:
        """Returns when at least `jobs` jobs are settled and everybody has finished."""
        random = Random(self.run)  # noqa: S311 - a play, not a secret
        cast = engage(self.run, random)
        floor = Floor(random)
        self.on_scene("the team is put together")
        await register(self.desk, cast)
        relaunches = [await self._begin(floor, cast, 0)]
        async with asyncio.TaskGroup() as people:
            for agent in cast.agents[2 * SILENT_PAIRS :]:
                people.create_task(agent_at_work(self.desk, floor, agent))
            for pair in zip(*[iter(cast.agents[: 2 * SILENT_PAIRS])] * 2, strict=True):
                people.create_task(agent_falling_silent(self.desk, floor, pair))
            for human in cast.humans[1:]:
                people.create_task(reviewer(self.desk, floor, human))
            people.create_task(self._feed(floor, cast, relaunches))
        self.on_scene("the last phases are closed")
        await asyncio.gather(*(close(self.desk, cast, work) for work in relaunches))

    async def _feed(self, floor: Floor, cast: Cast, relaunches: list[Relaunch]) -> None:
        while len(self.desk.sent) < self.jobs:
            if len(floor.backlog) < MIN_BACKLOG:
                relaunches.append(await self._begin(floor, cast, len(relaunches)))
            await asyncio.sleep(LOOK_SECONDS)
        floor.closing = True

    async def _begin(self, floor: Floor, cast: Cast, number: int) -> Relaunch:
        work = relaunch(self.run, number, cast, floor.random)
        self.on_scene(f"{work.project.name} is planned")
        await plan(self.desk, floor, cast, work)
        return work
