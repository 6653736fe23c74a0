"""What becomes of analyses, as the control API decided it: for a canary, or for one image in it."""

from collections.abc import Callable, Sequence

from bot.sandbox.cluster.flagger.measuring import Outcome
from bot.sandbox.cluster.kustomize import split_image


class Outcomes:
    """Decided outcomes; what was never decided succeeds."""

    def __init__(self, pull: Callable[[str], str | None]) -> None:
        self._pull = pull
        self._decided: dict[tuple[str, str, str], Outcome] = {}

    def decide(self, namespace: str, name: str, outcome: Outcome, *, image: str = "") -> None:
        """Decide for a canary; with an image (`repository:tag` or `repository@digest`) only while its target has it."""
        self._decided[namespace, name, image] = outcome

    def listed(self) -> dict[str, str]:
        """Every decision by `namespace/name`, or `namespace/name image`."""
        return {" ".join(filter(None, (f"{key[0]}/{key[1]}", key[2]))): one for key, one in self._decided.items()}

    def of(self, namespace: str, name: str, images: Sequence[str]) -> Outcome:
        """What becomes of this canary with these images: a decision for an image beats the canary's."""
        for (where, canary, image), outcome in self._decided.items():
            if (where, canary) == (namespace, name) and image and any(self._same(image, one) for one in images):
                return outcome
        return self._decided.get((namespace, name, ""), "succeed")

    def _same(self, decided: str, running: str) -> bool:
        name, tag, digest = split_image(running)
        wanted_name, wanted_tag, wanted_digest = split_image(decided)
        if name != wanted_name and not name.endswith(f"/{wanted_name}"):
            return False
        if tag and wanted_tag:
            return tag == wanted_tag
        # One of the two names a digest only.
        asked = wanted_digest or self._pull(decided)
        return bool(asked) and asked == (digest or self._pull(running))
