"""Acting: how each action that changes something outside is made so, one file per kind."""
