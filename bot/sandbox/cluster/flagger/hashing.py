"""Flagger's hashes: of a pod template for its status, and of that status for the checksum in hooks."""

from bot.sandbox.documents import Document, canonical, path

# apimachinery, pkg/util/rand: digits become letters that spell no words.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(deployment: Document) -> str:
    """The hash of a Deployment's pod template, as status.lastAppliedSpec keeps it."""
    return _safe(canonical(deployment["spec"]["template"]))


def checksum_of(canary: Document) -> str:
    """The checksum of hooks: tracked configs and last applied spec only (Flagger, pkg/controller/webhook.go)."""
    status = canary.get("status") or {}
    return _safe(canonical([path(status, "trackedConfigs"), status.get("lastAppliedSpec", "")]))


def _safe(content: bytes) -> str:
    digits = str(_fnv32a(content))
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in digits)


def _fnv32a(content: bytes) -> int:
    value = 0x811C9DC5
    for byte in content:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value
