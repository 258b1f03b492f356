"""What is to be done: the relaunch of one website, as a tree of tasks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import ApprovalPolicy, OnFailure
from jobs.payloads.project import CreateProject
from jobs.payloads.task import CreateTask, NewDependency, NewTask, PriorityWord
from ops.demo.cast import Team

CLIENTS = ("Harbour Bakery", "Northlight Opera", "Fjord Ferries", "Museum of Maps", "Bluebird Law")
PHASES: dict[str, tuple[tuple[str, str], ...]] = {
    "Find out what visitors need": (
        ("Interview five customers", "interview"),
        ("Read a year of support mail", "research"),
        ("Compare three competitors", "research"),
        ("Sum up what was found", "research"),
    ),
    "Design": (
        ("Sketch the home page", "design"),
        ("Choose type and colours", "design"),
        ("Draw the booking flow", "design"),
        ("Design the page for phones", "design"),
    ),
    "Write": (
        ("Rewrite the home page", "copy"),
        ("Write the page about us", "copy"),
        ("Describe all products", "copy"),
        ("Translate into English", "copy"),
    ),
    "Build": (
        ("Build the templates", "frontend"),
        ("Build the search", "backend"),
        ("Import the old articles", "backend"),
        ("Build the booking form", "frontend"),
        ("Redirect the old addresses", "backend"),
    ),
    "Test and launch": (
        ("Test with a screen reader", "test"),
        ("Test under load", "test"),
        ("Check every link", "test"),
        ("Measure page weight", "test"),
    ),
}
WAITING_SHARE = 0.25
DROPPED = ("Printed brochure", ("Draft the brochure", "Choose a printer", "Proof-read"))
PRIORITIES: tuple[PriorityWord, ...] = ("low", "medium", "medium", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A task that somebody with the capability can do."""

    task_id: UUID
    capability: str
    needs_review: bool


@dataclass(frozen=True, slots=True)
class Relaunch:
    """One project: its phases belong to the lead, their subtasks to whoever is able."""

    project: CreateProject
    phases: list[CreateTask]
    dropped: CreateTask

    @property
    def leaves(self) -> list[Leaf]:
        tasks = [task for phase in self.phases for task in phase.subtasks]
        return [
            Leaf(task.task_id, task.required_capabilities[0], task.priority == "critical")
            for task in tasks
        ]


def relaunch(slug: str, client: str, team: Team, random: Random) -> Relaunch:
    project = CreateProject(
        project_id=uuid7(),
        slug=slug,
        name=f"Website of {client}",
        description=f"{client} gets a new website.",
        approval_policy=ApprovalPolicy.CRITICAL,
        owner_id=team.lead.id,
    )
    phases = [_phase(project, team, title, parts, random) for title, parts in PHASES.items()]
    return Relaunch(project, phases, _dropped(project, team))


def _phase(
    project: CreateProject,
    team: Team,
    title: str,
    parts: tuple[tuple[str, str], ...],
    random: Random,
) -> CreateTask:
    due = datetime.now(UTC) + timedelta(days=random.randint(7, 60))
    leaves = list[NewTask]()
    for part, capability in parts:
        leaf = NewTask(
            task_id=uuid7(),
            title=part,
            priority=random.choice(PRIORITIES),
            tags=["website", capability],
            required_capabilities=[capability],
            due_at=due,
            depends_on=_waits_for(leaves, random),
        )
        leaves.append(leaf)
    return CreateTask(
        project_id=project.project_id,
        task_id=uuid7(),
        title=title,
        assignee_id=team.lead.id,
        due_at=due,
        subtasks=leaves,
    )


def _waits_for(earlier: list[NewTask], random: Random) -> list[NewDependency]:
    """Often the next part needs the last one, or at least to know that there is none."""
    if not earlier or random.random() >= WAITING_SHARE:
        return []
    return [NewDependency(task_id=earlier[-1].task_id, on_failure=OnFailure.IGNORE)]


def _dropped(project: CreateProject, team: Team) -> CreateTask:
    title, parts = DROPPED
    leaves = [NewTask(task_id=uuid7(), title=part, assignee_id=team.lead.id) for part in parts]
    return CreateTask(
        project_id=project.project_id,
        task_id=uuid7(),
        title=title,
        assignee_id=team.lead.id,
        subtasks=leaves,
    )
