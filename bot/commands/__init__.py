"""The grammar of commands: which lines of a message are meant for us, and what they say. Pure; it knows no rule."""

from bot.commands.forms import Names as Names
from bot.commands.forms import VerbForm as VerbForm
from bot.commands.grammar import Grammar as Grammar
from bot.commands.lines import Line as Line
from bot.commands.lines import lines_for_us as lines_for_us
