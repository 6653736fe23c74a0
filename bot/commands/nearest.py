"""Did you mean: the nearest of the words there are, by edit distance."""

from collections.abc import Iterable

FARTHEST = 3
"""Edits beyond which nobody meant it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word nearest to this one, empty when none is near: at most a third of it, and three edits, differ."""
    far = min(FARTHEST, max(1, len(word) // 3))
    measured = [
        (distance(word.lower(), name.lower()), name) for name in sorted(known) if abs(len(name) - len(word)) <= far
    ]
    best = min(measured, default=(far + 1, ""))
    return best[1] if best[0] <= far else ""


def distance(left: str, right: str) -> int:
    """Edits between two words: insert, delete, replace, or swap of neighbours (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        two, before, row = before, row, [i]
        for j, b in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, two[j - 2] + 1)
            row.append(cost)
    return row[-1]
