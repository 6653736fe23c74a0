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
