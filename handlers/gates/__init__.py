"""The gates of a promotion, one file each: `judge` says green, waiting or red, and why."""
