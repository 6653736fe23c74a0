"""`.sluice/denials/<environment>/<application>.yaml`: the digests that do not come back by themselves.

Equal denials give equal text, and what is written reads back equal. No other digest stands in the file in plain text,
so that `git grep` for digests under `.sluice/denials` finds what was denied, and nothing else.
"""

from collections.abc import Iterable, Iterator

from bot.positions.fields import image_of, items_in, moment_in, moment_text, record, text_in
from bot.positions.scalars import quoted
from bot.records import Denial

HEADER = (
    "# Written by Sluice: these digests were measured to be bad here, or a person denied them. They do not come back\n"
    "# by themselves. An entry is permanent until a person revokes it: `sluice allow` with its version.\n"
)


def denial_file(application: str, environment: str, denials: Iterable[Denial]) -> str:
    """The text of the denials, sorted, each digest of an image once."""
    known = denied((), denials)
    lines = [
        HEADER,
        f"application: {quoted(application)}\n",
        f"environment: {quoted(environment)}\n",
        "denials:\n" if known else "denials: []\n",
    ]
    for denial in known:
        lines += _lines(denial)
    return "".join(lines)


def parse_denial_file(text: str, *, file: str = "denial file") -> tuple[Denial, ...]:
    """The denials that `denial_file` wrote, sorted; PermanentError when the text says something else."""
    data = record(text, file, "denials")
    found = [
        Denial(
            image=image_of(item, file),
            version=text_in(item, "version", file),
            since=moment_in(item, "since", file),
            because=text_in(item, "because", file),
            incident=text_in(item, "incident", file),
        )
        for item in items_in(data, "denials", file)
    ]
    return tuple(sorted(found))


def denied(known: Iterable[Denial], added: Iterable[Denial]) -> tuple[Denial, ...]:
    """`known` with the new ones, sorted. What was denied before keeps its own date, reason and incident."""
    by_digest: dict[tuple[str, str], Denial] = {}
    for denial in (*known, *sorted(added)):
        by_digest.setdefault((denial.image.name, denial.image.digest), denial)
    return tuple(sorted(by_digest.values()))


def without(denials: Iterable[Denial], version: str) -> tuple[Denial, ...]:
    """What stays denied when a person revokes a version; one that was never denied changes nothing."""
    return tuple(sorted(denial for denial in denials if denial.version != version))


def _lines(denial: Denial) -> Iterator[str]:
    yield f"  - name: {_harmless(denial.image.name)}\n"
    yield f"    digest: {quoted(denial.image.digest)}\n"
    yield f"    tag: {_harmless(denial.image.tag)}\n"
    yield f"    version: {_harmless(denial.version)}\n"
    yield f"    since: {moment_text(denial.since)}\n"
    yield f"    because: {_harmless(denial.because)}\n"
    yield f"    incident: {_harmless(denial.incident)}\n"


def _harmless(value: str) -> str:
    # A reason may quote the digest that was good; escaped, it reads back equal and is not taken for a denied one.
    return quoted(value).replace("sha256:", r"sha256\x3a")
