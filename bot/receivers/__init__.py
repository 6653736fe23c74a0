"""Who may deliver and what a delivery means: one file per sender, verifying raw bytes before anything is parsed."""
