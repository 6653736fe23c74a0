"""Receivers, Alerts and Providers that are not served, or that nothing ever reaches."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.diagnostics import Diagnostic
from config.lints.manifest import Manifest

GROUP = "notification.toolkit.fluxcd.io"
SERVED = {"Receiver": "v1", "Alert": "v1beta3", "Provider": "v1beta3"}
"""The one served version of each kind (notification-controller 1.9)."""

HOOK = re.compile(r"[a-z][a-z ]* hook", re.IGNORECASE)
"""What X-Gitlab-Event looks like: `Push Hook`, `Tag Push Hook` (GitLab, Webhook events)."""


def wrong_version(manifest: Manifest) -> Iterator[Diagnostic]:
    """Receiver never had a v1beta3; Alert and Provider have nothing else."""
    served = SERVED.get(manifest.kind)
    if manifest.group == GROUP and served is not None and manifest.version != served:
        yield manifest.finding(
            manifest.scalar("apiVersion"),
            "notification-api",
            what=f"{manifest} is of {GROUP}/{manifest.version}",
            why=f"{manifest.kind} is served as {served} only",
            do=f"Write apiVersion: {GROUP}/{served}.",
        )


def receiver_events(manifest: Manifest) -> Iterator[Diagnostic]:
    """Events are compared with the header X-Gitlab-Event, without regard to case; others are answered 400."""
    if manifest.group != GROUP or manifest.kind != "Receiver" or manifest.text("spec", "type") != "gitlab":
        return
    for event in manifest.items("spec", "events"):
        if not HOOK.fullmatch(event.text):
            name = event.text.replace("_", " ").title()
            yield manifest.finding(
                event,
                "receiver-events",
                what=f"{manifest} waits for the event {event.text}",
                why="GitLab sends names like Push Hook; nothing matches, and GitLab may disable the webhook",
                do=f"Write {name} Hook.",
            )


def status_address(manifest: Manifest) -> Iterator[Diagnostic]:
    """The address of a GitLab Provider must name the project whose commits get the status."""
    address = manifest.scalar("spec", "address")
    if manifest.group != GROUP or manifest.kind != "Provider" or manifest.text("spec", "type") != "gitlab":
        return
    path = urlsplit(address.text).path.strip("/") if address is not None else ""
    if not (path.isdecimal() or "/" in path):
        yield manifest.finding(
            address,
            "status-provider-address",
            what=f"the address of {manifest} names no project",
            why="commit statuses are written to the project that the address names",
            do="Write https://<instance>/<group>/<project>, or the project's numeric id, which survives renames.",
        )
