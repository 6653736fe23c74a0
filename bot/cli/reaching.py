"""Where the facts are: the running server, by options, environment or settings, or else the journal."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.endings import Code, Ending
from bot.errors import PermanentError

if TYPE_CHECKING:
    from config.settings import Settings

Config = Annotated[
    Path | None, typer.Option("--config", envvar="SLUICE_CONFIG", help="Settings file.", show_envvar=True)
]
ServerUrl = Annotated[
    str, typer.Option("--server", envvar="SLUICE_SERVER", help="Address of the server; by default as the settings say.")
]
Token = Annotated[
    str,
    typer.Option("--token", envvar="SLUICE_TOKEN", help="API token; others on the machine see it, prefer a file."),
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", envvar="SLUICE_TOKEN_FILE", help="File holding the API token.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Read the journal; do not ask the server.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - addresses to listen on, and how to reach them here


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. named: somebody named it, so nothing else will do when it is not there."""

    url: str
    token: str
    named: bool


class Reach:
    """What the options, the environment and the settings say; the settings are read when first needed."""

    def __init__(self, config: Path | None, server: str, token: str, token_file: Path | None) -> None:
        self._config = config
        self._server = server
        self._token = token
        self._token_file = token_file

    @cached_property
    def settings(self) -> "Settings":
        """The settings without their secrets; SettingsFault when they cannot be used, Ending when none are named."""
        from config.settings import load

        try:
            return load(self._config, with_secrets=False)
        except PermanentError as error:
            if self._config is not None:
                raise
            what = "No settings file is named: use --config FILE or SLUICE_CONFIG, or ask a server with --server URL."
            raise Ending(Code.USAGE, f"{error}\n{what}") from error

    def server(self) -> Server | None:
        """The server to ask, None when no token for it is known: then only the journal is left."""
        if self._server:
            return Server(url=self._server.rstrip("/"), token=self._given() or self._of_settings(), named=True)
        url = _local(self.settings)
        token = self._given() or self._of_settings()
        return Server(url=url, token=token, named=False) if token else None

    def _given(self) -> str:
        if self._token:
            return self._token
        if self._token_file is None:
            return ""
        from config.credentials import read_secret

        return read_secret(self._token_file).get_secret_value()

    def _of_settings(self) -> str:
        """The first API token of the settings that can be read here."""
        try:
            callers = self.settings.api_tokens.values()
        except (PermanentError, Ending):
            # The server was named: it can be asked without any settings at hand.
            return ""
        for caller in callers:
            try:
                return caller.live_token().get_secret_value()
            except PermanentError:
                continue
        return ""


def _local(settings: "Settings") -> str:
    if settings.public_url:
        return settings.public_url
    host = ANYWHERE.get(settings.listen.host, settings.listen.host)
    return f"http://{host}:{settings.listen.port}"


def server_needed(reach: Reach, command: str) -> Server:
    """The server; Ending when there is none to ask, because a journal is only read without one."""
    server = reach.server()
    if server is None:
        raise Ending(
            Code.REFUSED,
            f"`sluice {command}` needs the running server, and no API token for it is known. "
            "Name one with --token-file or SLUICE_TOKEN; the settings list callers under api_tokens.",
        )
    return server
