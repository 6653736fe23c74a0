"""Image references are taken apart and put together (OCI distribution 1.1, `<name>`, `<reference>`)."""

from re import compile as pattern

from bot.errors import PermanentError
from bot.releases import Image

TAG = pattern(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = pattern(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,128}")
NAME = pattern(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


def split(reference: str) -> tuple[str, str, str]:
    """Name, tag and digest of a reference; what is not written is empty. A port is no tag."""
    head, _, digest = reference.partition("@")
    before, colon, tag = head.rpartition(":")
    if not colon or "/" in tag:
        return head, "", digest
    return before, tag, digest


def join(name: str, tag: str, digest: str) -> str:
    """The reference; empty parts are left out."""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def checked(image: Image) -> Image:
    """The image, when every part may be written into YAML; PermanentError otherwise."""
    for what, text, form in (("name", image.name, NAME), ("digest", image.digest, DIGEST), ("tag", image.tag, TAG)):
        if not form.fullmatch(text) and not (text == "" and what == "tag"):
            raise PermanentError(
                f"{text[:200]!r} cannot be the {what} of an image: it is not of the form that OCI registries allow. "
                "Look at where the release was noticed; nothing was written."
            )
    return image
