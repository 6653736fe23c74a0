"""The demo: a release goes from a commit to production, and every step is read back from GitLab and Git."""
