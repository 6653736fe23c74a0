"""What webhooks carry: one JSON object for each event (GitLab docs: user/project/integrations/webhook_events)."""
