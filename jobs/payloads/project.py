"""Jobs about projects and their members."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from jobs.entities import ApprovalPolicy
from jobs.payloads.base import Payload, Version, require_something_to_change
from jobs.payloads.budget import Budget
from jobs.refs import Bulk, Refs
from jobs.values import Attributes, LongText, Name, Reason, Slug

MAX_BULK_TASKS = 1_000

Policy = Annotated[ApprovalPolicy, Field(strict=False)]
BulkLimit = Annotated[int, Field(ge=1, le=MAX_BULK_TASKS)]


class CreateProject(Payload):
    """A new, active project. `owner_id` (default: the actor) becomes its first member, as owner."""

    project_id: UUID
    slug: Slug
    name: Name
    description: LongText | None = None
    approval_policy: Policy = ApprovalPolicy.NONE
    budget: Budget | None = None
    attributes: Attributes = Field(default_factory=dict)
    owner_id: UUID | None = None

    def refs(self, actor_id: UUID | None, /) -> Refs:
        owner = self.owner_id or actor_id
        workers = () if owner is None else (owner,)
        return Refs(changed_projects=(self.project_id,), workers=workers, slugs=(self.slug,))


class ProjectPayload(Payload):
    """A job about one project that exists."""

    project_id: UUID

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(changed_projects=(self.project_id,))


class UpdateProject(ProjectPayload):
    """Changes the fields that are given; null clears. Policy and budget are the owner's to change.

    `expected_version`: refused if the project has another one by then.
    """

    slug: Slug | None = None
    name: Name | None = None
    description: LongText | None = None
    approval_policy: Policy | None = None
    budget: Budget | None = None
    attributes: Attributes | None = None
    expected_version: Version | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        return require_something_to_change(
            self, never_null={"slug", "name", "approval_policy", "attributes"}
        )

    def refs(self, _: UUID | None, /) -> Refs:
        slugs = () if self.slug is None else (self.slug,)
        return Refs(changed_projects=(self.project_id,), slugs=slugs)


class ArchiveProject(ProjectPayload):
    """Nothing new begins in the project; what has begun may be finished."""


class UnarchiveProject(ProjectPayload):
    """The archived project is active again."""


class DeleteProject(ProjectPayload):
    """The project and all in it disappear from reads, until it is restored."""

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(changed_projects=(self.project_id,), leases_in=(self.project_id,))


class RestoreProject(ProjectPayload):
    """The deleted project is there again, as it was."""


class AddMember(ProjectPayload):
    """`worker_id` becomes a member of the project."""

    worker_id: UUID
    role: Literal["member"] = "member"

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(changed_projects=(self.project_id,), workers=(self.worker_id,))


class RemoveMember(ProjectPayload):
    """`worker_id` is no member any more; his open tasks of the project are nobody's."""

    worker_id: UUID

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(
            changed_projects=(self.project_id,),
            changed_workers=(self.worker_id,),
            changed_members=((self.project_id, self.worker_id),),
            tasks_of=((self.project_id, self.worker_id),),
        )


class CompleteTasks(ProjectPayload):
    """Completes up to `limit` tasks of the project that nothing keeps from it, oldest first."""

    limit: BulkLimit = MAX_BULK_TASKS

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(
            changed_projects=(self.project_id,),
            bulk=Bulk(self.project_id, "complete", self.limit),
        )


class ArchiveTasks(ProjectPayload):
    """Deletes up to `limit` settled tasks of the project, whole trees, the oldest first.

    `include_open`: also those that could be completed instead. `task.restore` brings a tree back.
    """

    limit: BulkLimit = MAX_BULK_TASKS
    include_open: bool = False
    reason: Reason | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(
            changed_projects=(self.project_id,),
            bulk=Bulk(
                self.project_id, "archive_all" if self.include_open else "archive", self.limit
            ),
        )
