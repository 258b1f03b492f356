"""The schema: one class a table. Rows for reads; writes go through the repositories."""

from db.models.base import SCHEMA, metadata
from db.models.comment import Comment
from db.models.dependency import Dependency
from db.models.event import Event, Outbox
from db.models.intervention import Intervention
from db.models.job import DeadLetter, Job
from db.models.lease import Lease
from db.models.project import Project, Tally
from db.models.task import Task
from db.models.tenant import Tenant
from db.models.wording import Wording
from db.models.worker import Member, Worker

__all__ = [
    "SCHEMA",
    "Comment",
    "DeadLetter",
    "Dependency",
    "Event",
    "Intervention",
    "Job",
    "Lease",
    "Member",
    "Outbox",
    "Project",
    "Tally",
    "Task",
    "Tenant",
    "Wording",
    "Worker",
    "metadata",
]
