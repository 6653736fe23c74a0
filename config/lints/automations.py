"""Image update automations that stall."""

import re
from collections.abc import Iterator

from config.diagnostics import Diagnostic
from config.lints.manifest import Manifest

UPDATED = re.compile(r"\.Updated\b")


def updated_template(manifest: Manifest) -> Iterator[Diagnostic]:
    """The template field `.Updated` was removed (image-automation-controller); the automation stalls on it."""
    template = manifest.scalar("spec", "git", "commit", "messageTemplate")
    if manifest.kind != "ImageUpdateAutomation" or template is None or not UPDATED.search(template.text):
        return
    yield manifest.finding(
        template,
        "updated-template",
        what=f"the commit template of {manifest} uses .Updated",
        why="the field was removed, and the automation stalls",
        do="Range over .Changed.Changes, which has .OldValue and .NewValue, or over .Changed.Objects.",
    )
