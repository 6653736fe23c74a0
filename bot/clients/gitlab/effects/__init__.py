"""Every write to GitLab: each looks first, is told apart by its natural key, and may be run again at any time."""

from bot.clients.gitlab.effects.deployments import WantedDeployment as WantedDeployment
from bot.clients.gitlab.effects.deployments import ensure_deployment as ensure_deployment
from bot.clients.gitlab.effects.deployments import ensure_environment as ensure_environment
from bot.clients.gitlab.effects.issues import IssueType as IssueType
from bot.clients.gitlab.effects.issues import WantedIssue as WantedIssue
from bot.clients.gitlab.effects.issues import ensure_issue as ensure_issue
from bot.clients.gitlab.effects.labels import WantedLabel as WantedLabel
from bot.clients.gitlab.effects.labels import ensure_labels as ensure_labels
from bot.clients.gitlab.effects.merge_requests import WantedMergeRequest as WantedMergeRequest
from bot.clients.gitlab.effects.merge_requests import ensure_merge_request as ensure_merge_request
from bot.clients.gitlab.effects.merge_requests import ensure_merge_request_closed as ensure_merge_request_closed
from bot.clients.gitlab.effects.merging import Merged as Merged
from bot.clients.gitlab.effects.merging import MergeOutcome as MergeOutcome
from bot.clients.gitlab.effects.merging import NotYet as NotYet
from bot.clients.gitlab.effects.merging import Refused as Refused
from bot.clients.gitlab.effects.merging import ensure_merged as ensure_merged
from bot.clients.gitlab.effects.notes import ensure_note as ensure_note
from bot.clients.gitlab.effects.outcome import Ensured as Ensured
from bot.clients.gitlab.effects.statuses import WantedStatus as WantedStatus
from bot.clients.gitlab.effects.statuses import ensure_commit_status as ensure_commit_status
