"""The refs of all jobs of a batch, together."""

from dataclasses import dataclass, field
from uuid import UUID

from jobs.entities import Edge, Key
from jobs.envelope import AnyJob
from jobs.refs import Bulk, Refs, Role, Scope

Keys = set[Key]
SIMPLE = (
    "projects", "changed_projects", "workers", "changed_workers", "tasks", "parents", "blockers",
    "children_of", "moves", "edges_of", "templates_of", "leases_in", "slugs", "handles",
)  # fmt: skip
"""Refs that are ids or names of the tenant."""
ALONE = frozenset({Role.DELETES, Role.RESTORES})
"""Roles that take the tree of their project for themselves."""


@dataclass(slots=True)
class Wanted:
    """As keys; what each means is said at `Refs`. `alone`: tasks whose trees must hold still."""

    projects: Keys = field(default_factory=set)
    changed_projects: Keys = field(default_factory=set)
    workers: Keys = field(default_factory=set)
    changed_workers: Keys = field(default_factory=set)
    changed_members: set[Edge] = field(default_factory=set)
    tasks: Keys = field(default_factory=set)
    roles: set[tuple[Key, Role]] = field(default_factory=set)
    parents: Keys = field(default_factory=set)
    blockers: Keys = field(default_factory=set)
    children_of: Keys = field(default_factory=set)
    moves: Keys = field(default_factory=set)
    edges_of: Keys = field(default_factory=set)
    templates_of: Keys = field(default_factory=set)
    leases_in: Keys = field(default_factory=set)
    slugs: set[tuple[UUID, str]] = field(default_factory=set)
    handles: set[tuple[UUID, str]] = field(default_factory=set)
    tasks_of: set[Scope] = field(default_factory=set)
    spending: Keys = field(default_factory=set)
    bulk: dict[tuple[Key, str], Bulk] = field(default_factory=dict)
    asks: dict[Key, int] = field(default_factory=dict)

    def add(self, job: AnyJob, refs: Refs) -> None:
        tenant = job.tenant_id
        for name in SIMPLE:
            named = getattr(refs, name)
            if named:
                getattr(self, name).update([(tenant, ref) for ref in named])
        self.changed_members.update((tenant, *pair) for pair in refs.changed_members)
        self.roles.update(((tenant, task_id), role) for task_id, role in refs.roles)
        self.tasks_of.update((tenant, project, worker) for project, worker in refs.tasks_of)
        if refs.spends:
            self.spending.update((tenant, task_id) for task_id in refs.tasks)
        if refs.bulk is not None:
            self._add_bulk((tenant, refs.bulk.project_id), refs.bulk)
        if job.actor_id is not None:
            self._add_actor((tenant, job.actor_id), refs.dispatch)

    @property
    def named(self) -> Keys:
        """Tasks that jobs name, to change or to look at them."""
        return self.tasks | self.parents | self.blockers

    @property
    def alone(self) -> Keys:
        """Tasks of projects whose tree nobody else may read or change meanwhile."""
        return self.moves | self.edges_of | {key for key, role in self.roles if role in ALONE}

    @property
    def still(self) -> Keys:
        """Tasks of projects whose tree nobody may change meanwhile."""
        acting = {key for key, _ in self.roles}
        return self.parents | self.blockers | self.children_of | self.templates_of | acting

    def _add_bulk(self, project: Key, bulk: Bulk) -> None:
        known = self.bulk.get((project, bulk.what))
        if known is None or known.limit < bulk.limit:
            self.bulk[project, bulk.what] = bulk

    def _add_actor(self, actor: Key, dispatch: int) -> None:
        self.workers.add(actor)
        if dispatch:
            self.asks[actor] = self.asks.get(actor, 0) + dispatch
