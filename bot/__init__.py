"""The machine: receives, stores, routes, decides by the rules it is handed, acts and records; it knows no such rule."""
