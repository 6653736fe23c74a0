"""An embedded GitLab, registry and cluster that keep the rules of the real ones, for the demo and the tests."""
