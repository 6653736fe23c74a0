"""Flux's image controllers: scan a registry, select a tag, and write it into Git."""
