"""The guards of a rollback, one file each: `judge` says green, waiting or red, and why (design section 6)."""
