"""The grammar of commands: which lines of a message are meant for us, and what they say. Pure; it knows no rule."""

from bot.commands.grammar import Grammar as Grammar
from bot.commands.lines import Line as Line
from bot.commands.lines import lines_for_us as lines_for_us
from bot.verbs import Names as Names
from bot.verbs import VerbForm as VerbForm
