"""A GitLab that keeps the rules of the real one: API, Git over HTTP and webhooks, in memory over real repositories."""

from bot.sandbox.gitlab.faults import Fault, FaultPlan, HookFaults
from bot.sandbox.gitlab.instance import Edition, PipelineResult, Timings
from bot.sandbox.gitlab.ledger import Ledger, RecordedRequest
from bot.sandbox.gitlab.people import AccessLevel, Group, User
from bot.sandbox.gitlab.projects import Project, ProtectedRef
from bot.sandbox.gitlab.records import Hook
from bot.sandbox.gitlab.server import GitLab
from bot.sandbox.gitlab.webhook_queue import Delivery

__all__ = [
    "AccessLevel",
    "Delivery",
    "Edition",
    "Fault",
    "FaultPlan",
    "GitLab",
    "Group",
    "Hook",
    "HookFaults",
    "Ledger",
    "PipelineResult",
    "Project",
    "ProtectedRef",
    "RecordedRequest",
    "Timings",
    "User",
]
