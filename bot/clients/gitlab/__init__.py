"""GitLab: `GitLabAPI` speaks, `reads` asks, `effects` changes; nothing else in the program calls GitLab."""

from bot.clients.gitlab.api import GitLabAPI as GitLabAPI
from bot.clients.gitlab.errors import GitLabRefusal as GitLabRefusal
