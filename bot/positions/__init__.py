"""Images are read from, and placed into, the one field of a YAML text that a position names; all else stays as it is.

ruamel.yaml finds the scalar; the text around it (comments, quotes, line ends, anchors, other documents) is never
rewritten. Everything here is pure: text in, text out. Errors are PermanentErrors that name file and line.
"""

from bot.positions.editing import place as place
from bot.positions.editing import read_images as read_images
from bot.positions.records import install_file as install_file
from bot.positions.records import parse_install_file as parse_install_file
from bot.positions.records import parse_release_file as parse_release_file
from bot.positions.records import release_file as release_file
from bot.positions.slots import Found as Found
from bot.positions.writers import find_writers as find_writers
