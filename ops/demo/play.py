"""The play: teams relaunch one website after the other until enough jobs are settled."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from ops.demo.agents import Floor, agent_at_work, agent_falling_silent
from ops.demo.cast import Team, engage
from ops.demo.desk import Desk
from ops.demo.humans import close, plan, register, reviewer
from ops.demo.office import Office
from ops.demo.plan import CLIENTS, Relaunch, relaunch

JOBS_PER_PROJECT = 200
MAX_TEAMS = 40
"""Ten agents each: this many jobs are on their way at once."""
TEAMS_WITH_SILENCE = 2
TEAMS_WITH_AN_OFFICE = 2


@dataclass(slots=True)
class Play:
    """One run of the demo; `run` is a short word that no other run has."""

    desk: Desk
    run: str
    jobs: int
    on_scene: Callable[[str], None] = lambda _: None
    offices: list[UUID] = field(default_factory=list)

    async def perform(self) -> None:
        """Returns when at least `jobs` jobs are settled and everybody has finished."""
        self.on_scene("the teams are put together")
        number_of_teams = max(1, min(MAX_TEAMS, self.jobs // JOBS_PER_PROJECT))
        teams = [engage(self.run, number) for number in range(number_of_teams)]
        await asyncio.gather(*(register(self.desk, team) for team in teams))
        self.desk.start_clock()
        async with asyncio.TaskGroup() as tasks:
            for number, team in enumerate(teams):
                tasks.create_task(self._projects_of(number, team))

    async def _projects_of(self, number: int, team: Team) -> None:
        random = Random(f"{self.run} {number}")  # noqa: S311 - a play, not a secret
        project = 0
        while project == 0 or len(self.desk.sent) < self.jobs:
            client = CLIENTS[(number + project) % len(CLIENTS)]
            work = relaunch(f"relaunch-{self.run}-{number}-{project}", client, team, random)
            self.on_scene(f"{client} gets a new website")
            silence = project == 0 and number < TEAMS_WITH_SILENCE
            await self._do(team, work, random, silence=silence)
            project += 1
        if number < TEAMS_WITH_AN_OFFICE:
            self.on_scene("the office is tidied up")
            office = Office(self.desk, team, f"office-{self.run}-{number}")
            await office.run()
            self.offices.append(office.project_id)

    async def _do(self, team: Team, work: Relaunch, random: Random, *, silence: bool) -> None:
        await plan(self.desk, team, work)
        floor = Floor(random, team.lead, random.sample(work.leaves, len(work.leaves)))
        async with asyncio.TaskGroup() as people:
            if silence:
                # Two of one trade: what the first drops, the second can take up.
                people.create_task(agent_falling_silent(self.desk, floor, *team.agents[:2]))
            for agent in team.agents:
                people.create_task(agent_at_work(self.desk, floor, agent))
            people.create_task(reviewer(self.desk, floor, team.reviewer))
        await close(self.desk, team, work)
