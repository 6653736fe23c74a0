"""Pinning takes the pen from Flux's image automation and gives it back, byte for byte."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import PermanentError
from bot.observing import Marking
from bot.positions import joined, marking, pin_markers, place, policies, read_images, unpin_markers
from bot.releases import Image
from config.position import ChartVersion, HelmValues, KustomizeImages, Position, Setter, YamlPath

KUSTOMIZE = KustomizeImages(kind="kustomize_images", file="f.yaml", image="shop")
SETTER = Setter(kind="setter", file="f.yaml", marker="ns:shop")
HELM = HelmValues(kind="helm_values", file="f.yaml", path="spec.values.image")
CHART = ChartVersion(kind="chart_version", file="f.yaml")
PATH = YamlPath(kind="yaml_path", file="f.yaml", path="image")

FULL = """\
images:
  - name: other
    newTag: v1 # {"$imagepolicy": "ns:other:tag"}
  - name: shop # the one we promote
    newName: registry.example/shop # {"$imagepolicy": "ns:shop:name"}
    newTag: "v1"  #  { "$imagepolicy" : "ns:shop:tag" } by hand
    digest: sha256:aa # {"$imagepolicy": "ns:shop:digest"}
"""
FLUX = re.compile(r'\{"\$imagepolicy": "[^"]*"\}')
"""What Flux acts on, as the sandbox's cluster reads it."""


def shapes(owner: str, space: str) -> list[tuple[Position, str]]:
    """Every kind of position with one marked value."""

    def marker(part: str) -> str:
        return f'#{space}{{"${owner}":{space}"ns:shop{part}"}}'

    return [
        (KUSTOMIZE, f"images:\n- name: shop\n  newTag: v1 {marker(':tag')}\n"),
        (KUSTOMIZE, f"images:\n- {{name: shop, newTag: v1}} {marker(':tag')}\n"),
        (SETTER, f"a:\n  image: shop:v1 {marker('')}\nb: [shop:v1] {marker('')}\n"),
        (
            HELM,
            f"spec:\n  values:\n    image:\n      repository: shop {marker(':name')}\n      tag: v1 {marker(':tag')}\n",
        ),
        (CHART, f"spec:\n  chart:\n    spec:\n      version: 1.2.3 {marker(':tag')}\n"),
        (PATH, f"kind: x\nimage: shop:v1 {marker('')}\n"),
    ]


AROUND = st.sampled_from(
    ["", "# ünïcödé 😀", 'x: 1 # {"$imagepolicy": "ns:else"}', 'y: |\n  # {"$imagepolicy": "ns:shop"}\n', "z: 'a'"]
)


@st.composite
def marked(draw: st.DrawFn, owners: tuple[str, ...] = ("imagepolicy", "sluice")) -> tuple[Position, str]:
    position, body = draw(st.sampled_from(shapes(draw(st.sampled_from(owners)), draw(st.sampled_from([" ", ""])))))
    text = "\n---\n".join([draw(AROUND), body, draw(AROUND)]) + "\n"
    return position, text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(marked())
def test_pinned_and_given_back_is_the_same_text(case: tuple[Position, str]) -> None:
    position, text = case

    assert unpin_markers(pin_markers(text, position), position) == text


@given(marked())
def test_pinning_changes_the_owner_of_the_position_alone(case: tuple[Position, str]) -> None:
    position, text = case

    pinned = pin_markers(text, position)

    assert pinned.replace("$sluice-pinned", "$imagepolicy") == text
    assert pin_markers(pinned, position) == pinned
    assert marking(pinned, position) != "active"


@given(marked(owners=("imagepolicy",)))
def test_pinned_position_is_still_found_and_names_its_policy(case: tuple[Position, str]) -> None:
    position, text = case

    pinned = pin_markers(text, position)

    assert marking(text, position) == "active"
    assert marking(pinned, position) == "pinned"
    assert policies(pinned, position) == policies(text, position) == ("ns:shop",)
    assert read_images(pinned, position) == read_images(text, position)


def test_every_part_of_an_image_is_pinned_and_no_other_image() -> None:
    pinned = pin_markers(FULL, KUSTOMIZE)

    assert FLUX.findall(pinned) == ['{"$imagepolicy": "ns:other:tag"}']
    assert pinned.count("$sluice-pinned") == 3
    assert '    newTag: "v1"  #  { "$sluice-pinned" : "ns:shop:tag" } by hand\n' in pinned


def test_image_is_placed_into_a_pinned_position() -> None:
    image = Image(name="registry.example/shop", digest="sha256:" + "b" * 64, tag="v0")

    text = place(pin_markers(FULL, KUSTOMIZE), KUSTOMIZE, image)

    assert '"v0"' in text
    assert marking(text, KUSTOMIZE) == "pinned"


@pytest.mark.parametrize(
    ("marker", "expected", "named"),
    [
        ('# {"$imagepolicy": "ns:shop:tag"}', "active", ("ns:shop",)),
        ('# {"$sluice-pinned": "ns:shop:tag"}', "pinned", ("ns:shop",)),
        ('# {"$sluice": "ns:shop:tag"}', "none", ()),
        ('# {"$imagepolicy": "shop"}', "active", ()),
        ('# {"$sluice-pin": "ns:shop:tag"}', "none", ()),
        ("# plain", "none", ()),
        ("", "none", ()),
    ],
)
def test_marking_says_who_writes_the_position(marker: str, expected: Marking, named: tuple[str, ...]) -> None:
    text = f"images:\n- name: shop\n  newTag: v1 {marker}\n"

    assert marking(text, KUSTOMIZE) == expected
    assert policies(text, KUSTOMIZE) == named


def test_marker_on_the_line_above_counts_as_flux_reads_it() -> None:
    text = 'images:\n- name: shop\n  # {"$imagepolicy": "ns:shop:tag"}\n  newTag: v1\n'

    assert marking(text, KUSTOMIZE) == "active"
    assert pin_markers(text, KUSTOMIZE) == text.replace("$imagepolicy", "$sluice-pinned")
    assert marking(text.replace("  newTag", "\n  newTag"), KUSTOMIZE) == "none"
    assert marking('images:\n- name: shop\n  newTag: v1\n# {"$imagepolicy": "ns:shop:tag"}', KUSTOMIZE) == "none"


def test_one_active_marker_is_enough_for_flux_to_write() -> None:
    half = FULL.replace("$imagepolicy", "$sluice-pinned", 2)

    assert marking(half, KUSTOMIZE) == "active"
    assert marking(pin_markers(half, KUSTOMIZE), KUSTOMIZE) == "pinned"


@pytest.mark.parametrize(
    ("several", "expected"),
    [((), "none"), (("none", "pinned"), "pinned"), (("pinned", "active"), "active"), (("none",), "none")],
)
def test_positions_together_are_active_where_one_is(several: tuple[Marking, ...], expected: Marking) -> None:
    assert joined(several) == expected


def test_position_that_is_not_there_is_a_fault_with_its_place() -> None:
    with pytest.raises(PermanentError, match=r"f\.yaml"):
        pin_markers("images: []\n", KUSTOMIZE)
