"""Every sentence a person will read on GitLab: equal actions give equal text, and text from outside can do nothing."""

from bot.messages.installation import install_commit as install_commit
from bot.messages.promotion import CLOSING_MARKER as CLOSING_MARKER
from bot.messages.promotion import LABEL as LABEL
from bot.messages.promotion import STICKY_MARKER as STICKY_MARKER
from bot.messages.promotion import closing_note as closing_note
from bot.messages.promotion import merge_commit as merge_commit
from bot.messages.promotion import promotion_commit as promotion_commit
from bot.messages.promotion import promotion_description as promotion_description
from bot.messages.promotion import promotion_labels as promotion_labels
from bot.messages.promotion import promotion_title as promotion_title
from bot.messages.promotion import sticky as sticky
from bot.messages.statuses import status_description as status_description
from bot.messages.undoing import QUIET_MARKER as QUIET_MARKER
from bot.messages.undoing import incident_description as incident_description
from bot.messages.undoing import incident_labels as incident_labels
from bot.messages.undoing import incident_marker as incident_marker
from bot.messages.undoing import incident_title as incident_title
from bot.messages.undoing import lifting_description as lifting_description
from bot.messages.undoing import quiet_note as quiet_note
from bot.messages.undoing import revoking_description as revoking_description
from bot.messages.undoing import rollback_description as rollback_description
from bot.messages.undoing import taken_back_note as taken_back_note
from bot.messages.undoing import undoing_commit as undoing_commit
from bot.messages.undoing import undoing_labels as undoing_labels
from bot.messages.undoing import undoing_merge_commit as undoing_merge_commit
from bot.messages.undoing import undoing_title as undoing_title
