"""Every rule of the real GitLab that the sandbox keeps, with where it is known from; a contract test proves each."""

from bot.sandbox.gitlab.rules import access, merge_requests, repository, statuses, talk, webhooks
from bot.sandbox.rules import Rule

RULES: tuple[Rule, ...] = (
    *access.RULES,
    *repository.RULES,
    *merge_requests.RULES,
    *statuses.RULES,
    *talk.RULES,
    *webhooks.RULES,
)
