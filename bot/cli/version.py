"""`sluice version` says which program this is."""

import json
import platform
from importlib.metadata import version as version_of
from typing import Annotated

import typer


def version(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Print the version of Sluice and of Python."""
    found = {"sluice": version_of("sluice"), "python": platform.python_version()}
    typer.echo(json.dumps(found) if as_json else f"sluice {found['sluice']} (Python {found['python']})")
