"""Wiring: how settings become the clients and the doors that the composition root ties together."""
