"""Git: a bare mirror per repository is read locally, and its pushes never overwrite what somebody else wrote."""

from bot.clients.git.commits import Author as Author
from bot.clients.git.commits import CommitInfo as CommitInfo
from bot.clients.git.commits import with_trailer as with_trailer
from bot.clients.git.failures import PushRefused as PushRefused
from bot.clients.git.fence import Fence as Fence
from bot.clients.git.mirror import GitMirror as GitMirror
