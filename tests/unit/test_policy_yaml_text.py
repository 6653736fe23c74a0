"""Any text is either read into nodes that know their place, or refused as unreadable: nothing else happens."""

from hypothesis import given
from hypothesis import strategies as st

from config.diagnostics import ConfigurationFault, Diagnostic
from config.yaml_text import Node, Scalar, documents, walk
from config.yaml_values import Plain, plain

PIECES = st.sampled_from(
    ["a", "b: ", "- ", "\n", "  ", "[", "]", "{", "}", ",", ":", "&x ", "*x", "!t ", "'", '"', "|\n", ">-\n", "# c",
     "---\n", "...\n", "%YAML 1.1\n", "%", "\t", "\r\n", "\\x4", "\\", "? ", "<<: ", "~", "1e3", "\ufeff", "\x85", "é"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40))
def test_text_is_read_or_refused_with_its_file(text: str) -> None:
    faults, roots, values = read(text)

    assert all(found.file == "f.yaml" and found.line > 0 for found in faults)
    assert len(values) == len(roots)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_plain_scalar_stands_where_it_says(text: str) -> None:
    _, roots, _ = read(text)

    for node in (node for root in roots for node in walk(root) if isinstance(node, Scalar)):
        written = text[node.start : node.end]
        if not node.style and len(written.splitlines()) < 2:
            assert written == node.text


def read(text: str) -> tuple[tuple[Diagnostic, ...], tuple[Node, ...], list[Plain]]:
    """The faults of a text, or its documents and what they say."""
    try:
        roots = documents(text, file="f.yaml")
        return (), roots, [plain(root, file="f.yaml") for root in roots]
    except ConfigurationFault as fault:
        return fault.diagnostics, (), []
