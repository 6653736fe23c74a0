"""Where an image stands in the config repository: the one field that a promotion edits."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.words import FilePath, Form

ImagePart = Literal["tag", "digest", "image"]

ValuePath = Annotated[str, StringConstraints(pattern=r"^[^\s.\[\]]+(\.[^\s.\[\]]+|\[[^\s\[\]]+\])*$", max_length=512)]
"""Keys joined by dots, `[0]` for an item, `[name=app]` for the item whose `name` is `app`: `spec.values.image.tag`."""

Marker = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.{}-]+:[a-z0-9.{}-]+(:(tag|name|digest))?$")]
"""An image policy as Flux's setters name it: `namespace:name`, or one part of it: `namespace:name:tag`."""


class _Position(Form):
    file: FilePath
    """Path in the config repository; {application} and {environment} are filled in, {cluster} gives one per cluster."""

    of: str = ""
    """Which of the application's `images` stands here. May be left out when it has one."""


class KustomizeImages(_Position):
    """An entry of a kustomization's `images:` (newTag; digest and newName when they are there)."""

    kind: Literal["kustomize_images"]
    image: str = Field(min_length=1)
    """The entry's `name`."""


class Setter(_Position):
    """Every line that carries the setter marker `# {"$sluice": "namespace:name[:part]"}`.

    Flux's own `$imagepolicy` marker is read too, and is a fault where merge requests write: one writer per field.
    """

    kind: Literal["setter"]
    marker: Marker


class HelmValues(_Position):
    """A HelmRelease's image values: the tag at `path`, with `digest` and `repository` beside it if they are there."""

    kind: Literal["helm_values"]
    path: ValuePath
    object: str = ""
    """`Kind/name` of the document meant, needed only when several documents of the file have this path."""


class ChartVersion(_Position):
    """The chart version of a HelmRelease: an exact version, never a range."""

    kind: Literal["chart_version"]
    path: ValuePath = "spec.chart.spec.version"
    object: str = ""
    """`Kind/name` of the document meant, needed only when several documents of the file have this path."""


class OciRef(_Position):
    """`spec.ref` of an OCIRepository: tag and digest, whichever are there; never a semver range."""

    kind: Literal["oci_ref"]
    object: str = ""
    """`Kind/name` of the document meant, needed only when the file has several OCIRepositories."""


class YamlPath(_Position):
    """Any declared value in any YAML file."""

    kind: Literal["yaml_path"]
    path: ValuePath
    part: ImagePart = "image"
    """What stands there: the tag, the digest, or the whole image reference."""
    object: str = ""
    """`Kind/name` of the document meant, needed only when several documents of the file have this path."""


Position = Annotated[
    KustomizeImages | Setter | HelmValues | ChartVersion | OciRef | YamlPath, Field(discriminator="kind")
]
