"""Environments are put in the order in which releases pass through them."""

from collections.abc import Container, Mapping

After = Mapping[str, tuple[str, ...]]
"""Each environment with those it comes after."""


def promotion_order(after: After) -> tuple[str, ...]:
    """Each name after all it depends on, otherwise as written. Names on or behind a cycle are left out."""
    done: dict[str, None] = {}
    left = list(after)
    while ready := next((name for name in left if all(before in done for before in after[name])), None):
        done[ready] = None
        left.remove(ready)
    return tuple(done)


def cycle(after: After) -> tuple[str, ...]:
    """The names of one cycle, each after the next; empty when there is none."""
    known = {name: tuple(before for before in befores if before in after) for name, befores in after.items()}
    stuck = sorted(set(after) - set(promotion_order(known)))
    path = stuck[:1]
    while path:
        following = next(before for before in known[path[-1]] if before in stuck)
        if following in path:
            return tuple(path[path.index(following) :])
        path.append(following)
    return ()


def nearest(name: str, after: After, included: Container[str]) -> tuple[str, ...]:
    """The environments right before `name` among those included; the others are skipped over."""
    found: dict[str, None] = {}
    for before in after[name]:
        found |= dict.fromkeys((before,) if before in included else nearest(before, after, included))
    return tuple(found)
