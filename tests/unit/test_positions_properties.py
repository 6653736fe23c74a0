"""Placing an image is exact, whatever stands around it: read back equal, idempotent, and nothing else changed."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bot.positions import place, read_images
from bot.positions.scalars import written
from bot.releases import Image
from config.position import HelmValues, KustomizeImages, Position, Setter
from config.yaml_text import documents
from config.yaml_values import plain

NAME = "registry.example:5000/demo/shop"
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
IMAGES = st.builds(Image, name=st.just(NAME), digest=HEX.map("sha256:".__add__), tag=TAGS)
QUOTES = st.sampled_from(["", "'", '"'])
COMMENTS = st.sampled_from(["", " # note", "  # {x: [y", ' # {"$sluice": "ns:shop:tag"}', " #"])
AROUND = st.sampled_from(
    [
        "",
        "# a comment: 'open",
        "x: [1, 'two', \"3\"]",
        "y:\n  - |\n    text # no comment\n  - >-\n    folded",
        "z: &z 1\nw: *z",
        "wide: 😀 # ünïcödé",
    ]
)


def kustomize(tag: str, quote: str, comment: str) -> str:
    name = written(NAME, quote)
    return f"images:\n  - name: shop{comment}\n    newName: {name}\n    newTag: {written(tag, quote)}{comment}\n"


def helm(tag: str, quote: str, comment: str) -> str:
    return f"spec:\n  values:\n    image:{comment}\n      tag: {written(tag, quote)}{comment}\n"


def setter(tag: str, quote: str, comment: str) -> str:
    return f'spec:\n  image: {written(f"{NAME}:{tag}", quote)} # {{"$sluice": "ns:app"}}{comment}\n'


SHAPES: list[tuple[Position, Callable[[str, str, str], str]]] = [
    (KustomizeImages(kind="kustomize_images", file="f.yaml", image="shop"), kustomize),
    (HelmValues(kind="helm_values", file="f.yaml", path="spec.values.image.tag"), helm),
    (Setter(kind="setter", file="f.yaml", marker="ns:app"), setter),
]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A text that holds `v1` at the position, and how it reads with another tag there."""

    position: Position
    with_tag: Callable[[str], str]

    @property
    def text(self) -> str:
        return self.with_tag("v1")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A document of one shape, with other YAML before and after it, in one kind of line end."""
    position, shape = draw(st.sampled_from(SHAPES))
    quote, comment, before, after = draw(QUOTES), draw(COMMENTS), draw(AROUND), draw(AROUND)
    alone, end = draw(st.booleans()), draw(st.sampled_from(["\n", "\r\n"]))

    def with_tag(tag: str) -> str:
        body = shape(tag, quote, comment)
        text = f"{before}\n{body}" if alone else f"{before}\n---\n{body}---\n{after}\n"
        return text.replace("\n", end)

    return Case(position=position, with_tag=with_tag)


@given(cases(), IMAGES)
def test_placed_image_is_read_back(case: Case, image: Image) -> None:
    (found,) = read_images(place(case.text, case.position, image), case.position)

    assert found.tag == image.tag
    assert found.name in ("", image.name)


@given(cases(), IMAGES)
def test_text_outside_the_scalar_is_unchanged(case: Case, image: Image) -> None:
    assert place(case.text, case.position, image) == case.with_tag(image.tag)


@given(cases(), IMAGES)
def test_placing_twice_is_placing_once(case: Case, image: Image) -> None:
    once = place(case.text, case.position, image)

    assert place(once, case.position, image) == once


@given(cases(), IMAGES)
def test_going_back_restores_every_value(case: Case, image: Image) -> None:
    first = Image(name=image.name, digest=image.digest, tag="v1")

    back = place(place(case.text, case.position, image), case.position, first)

    assert values(back) == values(case.text)


@given(TAGS, QUOTES)
def test_written_scalar_is_read_back_as_the_same_text(value: str, style: str) -> None:
    (root,) = documents(f"[a, {written(value, style)}, b]", file="f.yaml")

    assert plain(root, file="f.yaml") == ["a", value, "b"]


def values(text: str) -> list[object]:
    """Everything the text says, comments and quotes aside."""
    return [plain(root, file="f.yaml") for root in documents(text, file="f.yaml")]
