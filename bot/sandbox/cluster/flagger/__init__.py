"""A stand-in for Flagger 1.41: canaries are initialised, analysed, promoted and rolled back in its words."""
