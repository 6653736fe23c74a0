"""What the API shows: one JSON object for each kind of record, with GitLab's field names."""
