"""What the bot tells a tracing system, by OpenTelemetry's API alone: without an SDK beside it nothing is recorded."""
