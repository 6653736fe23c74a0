"""What the operator sets (where the bot runs) and what a tenant may decide (what it may do)."""
