"""Looking: the live observer, which reads Git, clusters, GitLab, registries and the journal for the rules."""
