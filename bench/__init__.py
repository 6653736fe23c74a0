"""What performance is measured with: ratios within one run, never a timed test."""
