"""Every link of every page leads somewhere, and every page can be reached."""

import re
from pathlib import Path

import pytest
from doc_pages import REPOSITORY, anchors, links, name_of, pages

OUTSIDE = re.compile(r"^[a-z]+:")


def target_of(page: Path, href: str) -> tuple[Path, str]:
    """The file that a link leads to, and the heading in it."""
    path, _, anchor = href.partition("#")
    return (page.parent / path).resolve() if path else page, anchor


def broken_links(page: Path) -> list[str]:
    """Links of a page that lead nowhere, each with what is wrong."""
    broken = []
    for link in links(page):
        file, anchor = target_of(page, link.text)
        if OUTSIDE.match(link.text):
            continue
        if not file.exists():
            broken.append(f"{link.place}: {link.text} names no file. Mend the path.")
        elif anchor and anchor not in anchors(file):
            broken.append(f"{link.place}: {file.name} has no heading {anchor}. It has {sorted(anchors(file))}.")
    return broken


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_to_nothing_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n\n[one](other.md), [two](#another-heading), [three](#a-heading)\n")

    assert [line.split(" ")[1] for line in broken_links(page)] == ["other.md", "page.md"]


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        found = (target_of(page, link.text)[0] for link in links(page) if not OUTSIDE.match(link.text))
        waiting += [file for file in found if file.suffix == ".md" and file.exists() and file not in reached]

    unreached = [name_of(page) for page in pages() if page not in reached]

    assert unreached == [], "name them in README.md, or in a page that is named there"
