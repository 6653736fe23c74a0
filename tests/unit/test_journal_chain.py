"""The audit chain's hash covers every field, and no two rows share one by shifting text between fields."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.journal.audit import GENESIS, chain_hash

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def hashed(
    seq: int = 1,
    at: datetime = AT,
    subject: str = "app:acme/shop",
    kind: str = "run",
    payload_sha: str = "ab",
    previous: str = GENESIS,
) -> str:
    return chain_hash(seq=seq, at=at, subject=subject, kind=kind, payload_sha=payload_sha, previous=previous)


@pytest.mark.parametrize(
    "changed",
    [
        hashed(seq=2),
        hashed(at=AT + timedelta(microseconds=1)),
        hashed(subject="app:acme/cart"),
        hashed(kind="approval"),
        hashed(payload_sha="ac"),
        hashed(previous="1" * 64),
    ],
)
def test_each_field_changes_the_hash(changed: str) -> None:
    assert changed != hashed()


def test_text_moved_from_one_field_to_the_next_changes_the_hash() -> None:
    assert hashed(subject="a\nb", kind="c") != hashed(subject="a", kind="b\nc")


def test_hash_is_what_the_documentation_says() -> None:
    # printf '%s' '[1,1772442000000000,"app:acme/shop","run","ab","000…0"]' | sha256sum
    assert hashed() == "8eaae08560b778d53e502bad7e3805cb9e8a5dd793a3d3d61bd45a2c72c6fdde"
