"""The rules: one file per promise to the user; a handler observes and decides, and cannot act."""
