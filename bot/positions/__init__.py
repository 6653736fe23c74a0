"""Images are read from, and placed into, the one field of a YAML text that a position names; all else stays as it is.

ruamel.yaml finds the scalar; the text around it (comments, quotes, line ends, anchors, other documents) is never
rewritten. Everything here is pure: text in, text out. Errors are PermanentErrors that name file and line.
"""

from bot.positions.denials import denial_file as denial_file
from bot.positions.denials import denied as denied
from bot.positions.denials import parse_denial_file as parse_denial_file
from bot.positions.denials import without as without
from bot.positions.editing import place as place
from bot.positions.editing import read_images as read_images
from bot.positions.pinning import joined as joined
from bot.positions.pinning import marking as marking
from bot.positions.pinning import pin_markers as pin_markers
from bot.positions.pinning import policies as policies
from bot.positions.pinning import unpin_markers as unpin_markers
from bot.positions.pins import parse_pin_file as parse_pin_file
from bot.positions.pins import pin_file as pin_file
from bot.positions.records import install_file as install_file
from bot.positions.records import parse_install_file as parse_install_file
from bot.positions.records import parse_release_file as parse_release_file
from bot.positions.records import release_file as release_file
from bot.positions.slots import Found as Found
from bot.positions.writers import find_writers as find_writers
