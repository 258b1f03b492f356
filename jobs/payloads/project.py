"""Jobs about projects and their members."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from jobs.entities import ApprovalPolicy
from jobs.payloads.base import Payload
from jobs.refs import Refs
from jobs.values import Attributes, LongText, Name, Slug


class CreateProject(Payload):
    """A new, active project. `owner_id` (default: the actor) becomes its first member, as owner."""

    project_id: UUID
    slug: Slug
    name: Name
    description: LongText | None = None
    approval_policy: Annotated[ApprovalPolicy, Field(strict=False)] = ApprovalPolicy.NONE
    attributes: Attributes = Field(default_factory=dict)
    owner_id: UUID | None = None

    def refs(self, actor_id: UUID | None) -> Refs:
        owner = self.owner_id or actor_id
        workers = () if owner is None else (owner,)
        return Refs(changed_projects=(self.project_id,), workers=workers, slugs=(self.slug,))


class AddMember(Payload):
    """`worker_id` becomes a member of the project."""

    project_id: UUID
    worker_id: UUID
    role: Literal["member"] = "member"

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        return Refs(changed_projects=(self.project_id,), workers=(self.worker_id,))
