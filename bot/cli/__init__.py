"""The commands of `sluice`, one file per command."""
