"""`python -m bot.cli` is `sluice`."""

from bot.cli import main

main(prog_name="sluice")
