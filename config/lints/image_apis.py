"""Image objects that current Flux does not serve or does not accept."""

from collections.abc import Iterator

from config.diagnostics import Diagnostic
from config.lints.manifest import Manifest

GROUP = "image.toolkit.fluxcd.io"
PROVIDERS = ("generic", "aws", "azure", "gcp")
"""The values of ImageRepository `spec.provider` (image-reflector-controller 1.2)."""


def removed_version(manifest: Manifest) -> Iterator[Diagnostic]:
    """Only v1 is served since Flux 2.9 (image-reflector-controller 1.2)."""
    if manifest.group == GROUP and manifest.version != "v1":
        yield manifest.finding(
            manifest.scalar("apiVersion"),
            "image-api-removed",
            what=f"{manifest} is of {GROUP}/{manifest.version}",
            why="Flux 2.9 and later serve only v1",
            do=f"Write apiVersion: {GROUP}/v1.",
        )


def unknown_provider(manifest: Manifest) -> Iterator[Diagnostic]:
    """A provider outside the enumeration is refused by the CRD; GitLab's registry is `generic`."""
    provider = manifest.scalar("spec", "provider")
    if manifest.group != GROUP or manifest.kind != "ImageRepository" or provider is None:
        return
    if provider.text not in PROVIDERS:
        yield manifest.finding(
            provider,
            "image-repository-provider",
            what=f"{manifest} has the provider {provider.text}",
            why=f"only {', '.join(PROVIDERS)} exist",
            do="Leave it out and give credentials by secretRef.",
        )
