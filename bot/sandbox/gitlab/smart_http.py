"""Git over HTTP: `git http-backend` behind aiohttp, with tokens, rights and GitLab's words of refusal."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from bot.sandbox.gitlab.access import may_push, may_read_code, may_see
from bot.sandbox.gitlab.chains import CURRENT_CHAIN, Chain
from bot.sandbox.gitlab.dispatch import cut_connection
from bot.sandbox.gitlab.git_process import NEUTRAL_ENVIRONMENT
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import AccessLevel, Token, User
from bot.sandbox.gitlab.post_receive import after_refs_moved, record_push
from bot.sandbox.gitlab.projects import Project

CHUNK = 1 << 16
READING_SCOPES = frozenset({"api", "read_repository", "write_repository"})
WRITING_SCOPES = frozenset({"api", "write_repository"})
_DENIED = "HTTP Basic: Access denied. If a password was provided for Git authentication, it was incorrect.\n"
_UNKNOWN = "The project you were looking for could not be found or you don't have permission to view it.\n"
_NO_PUSH = "You are not allowed to push code to this project.\n"

PRE_RECEIVE = r"""#!/bin/sh
# Refuses what the pushing user may not do; the SANDBOX_ variables hold newline-separated branch or tag patterns.
zero=0000000000000000000000000000000000000000
refuse() { echo "GitLab: $1" >&2; exit 1; }
matches() {
  kept=$IFS
  IFS='
'
  set -f
  for pattern in $2; do
    case "$1" in $pattern) IFS=$kept; return 0 ;; esac
  done
  IFS=$kept
  return 1
}
while read -r old new ref; do
  case "$ref" in
  refs/heads/*)
    branch=${ref#refs/heads/}
    if [ "$new" = "$zero" ] && [ "$branch" = "$SANDBOX_DEFAULT_BRANCH" ]; then
      refuse "The default branch of a project cannot be deleted."
    fi
    matches "$branch" "$SANDBOX_PROTECTED" || continue
    if [ "$new" = "$zero" ]; then
      refuse "You can only delete protected branches using the web interface."
    fi
    if [ "$old" != "$zero" ] && ! matches "$branch" "$SANDBOX_FORCE_ALLOWED" \
      && ! git merge-base --is-ancestor "$old" "$new"; then
      refuse "You are not allowed to force push code to a protected branch on this project."
    fi
    matches "$branch" "$SANDBOX_GRANTED" \
      || refuse "You are not allowed to push code to protected branches on this project."
    ;;
  refs/tags/*)
    tag=${ref#refs/tags/}
    matches "$tag" "$SANDBOX_PROTECTED_TAGS" || continue
    [ "$old" = "$zero" ] || refuse "You cannot update or delete a protected tag."
    matches "$tag" "$SANDBOX_GRANTED_TAGS" || refuse "You are not allowed to create this tag as it is protected."
    ;;
  esac
done
"""


def install_hooks(folder: Path) -> None:
    """Write the one pre-receive hook all repositories share."""
    folder.mkdir(parents=True, exist_ok=True)
    hook = folder / "pre-receive"
    hook.write_text(PRE_RECEIVE)
    hook.chmod(0o755)


class SmartHttp:
    """Answers `/<path>.git/info/refs`, `git-upload-pack` and `git-receive-pack`."""

    def __init__(self, lab: Instance, hooks: Path) -> None:
        self.lab = lab
        self.hooks = hooks

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.lab.faults.away:
            return cut_connection(request)
        fault = self.lab.faults.take(request.method, request.raw_path)
        if fault is None:
            return await self._serve(request)
        if fault.kind == "late":
            await asyncio.sleep(fault.seconds)
            return await self._serve(request)
        if fault.after_effect:
            await self._serve(request)
        return cut_connection(request) if fault.kind in ("hang", "reset") else web.Response(status=500)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path, _, action = request.match_info["path"].partition(".git/")
        service = request.query.get("service", "") if action == "info/refs" else action
        if service not in ("git-upload-pack", "git-receive-pack"):
            return web.Response(status=403, text="dumb HTTP is not offered\n")
        token = self._token(request)
        project = self.lab.project(path)
        refusal = self._refusal(project, token, _has_credentials(request), writing=service == "git-receive-pack")
        if refusal is not None or project is None:
            return refusal or web.Response(status=404, text=_UNKNOWN)
        user = token.user if token else None
        if action == "git-receive-pack" and user is not None:
            return await self._receive(request, project, user)
        return await self._run(request, project, user, action)

    async def _receive(self, request: web.Request, project: Project, user: User) -> web.StreamResponse:
        """Take a push and run the post-receive path before the answer ends, so that the next read sees it all."""
        CURRENT_CHAIN.set(Chain())
        async with project.repository.lock:
            response = await self._run(request, project, user, "git-receive-pack", buffered=True)
            moved = [one for one in await project.repository.refresh() if one.branch or one.tag]
            record_push(self.lab, project, moved, user)
            await after_refs_moved(self.lab, project, moved, user)
        return response

    def _token(self, request: web.Request) -> Token | None:
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        try:
            password = base64.b64decode(value).decode().partition(":")[2] if kind.lower() == "basic" else value
        except (binascii.Error, UnicodeDecodeError):
            return None
        token = self.lab.tokens.get(password)
        return None if token is None or token.revoked or token.user.state != "active" else token

    def _refusal(
        self, project: Project | None, token: Token | None, offered: bool, *, writing: bool
    ) -> web.Response | None:
        user = token.user if token else None
        anonymous_read = project is not None and project.visibility == "public" and not writing and not offered
        if anonymous_read:
            return None
        if token is None:
            return web.Response(status=401, text=_DENIED, headers={"WWW-Authenticate": 'Basic realm="GitLab"'})
        bound_elsewhere = token.project_id is not None and (project is None or token.project_id != project.id)
        if project is None or bound_elsewhere or not may_see(self.lab, user, project):
            return web.Response(status=404, text=_UNKNOWN)
        if not token.scopes & (WRITING_SCOPES if writing else READING_SCOPES):
            return web.Response(status=403, text=_DENIED)
        if not may_read_code(self.lab, user, project):
            return web.Response(status=403, text="You are not allowed to download code from this project.\n")
        if writing and self.lab.level(user, project) < AccessLevel.DEVELOPER:
            return web.Response(status=403, text=_NO_PUSH)
        return None

    async def _run(
        self, request: web.Request, project: Project, user: User | None, action: str, *, buffered: bool = False
    ) -> web.StreamResponse:
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment(request, project, user, action),
        )
        feeding = asyncio.create_task(_feed(process, request))
        try:
            return await _relay(process, request, buffered=buffered)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            if process.returncode is None:
                await _end(process)

    def _environment(self, request: web.Request, project: Project, user: User | None, action: str) -> dict[str, str]:
        # Content-Encoding is not passed on: aiohttp has inflated the body already.
        directory = project.repository.directory
        return {
            **NEUTRAL_ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(directory.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{directory.name}/{action}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": user.username if user else "",
            "REMOTE_ADDR": request.remote or "",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(self.hooks),
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            **(self._push_rules(project, user) if user else {}),
        }

    def _push_rules(self, project: Project, user: User) -> Mapping[str, str]:
        branches, tags = project.protected_branches, project.protected_tags
        level = self.lab.level(user, project)
        granted = [one.name for one in branches if may_push(self.lab, user, project, one.name)]
        granted_tags = [one.name for one in tags if user.id in one.push_users or (one.push and level >= one.push)]
        return {
            "SANDBOX_DEFAULT_BRANCH": project.default_branch,
            "SANDBOX_PROTECTED": "\n".join(one.name for one in branches),
            "SANDBOX_FORCE_ALLOWED": "\n".join(one.name for one in branches if one.allow_force_push),
            "SANDBOX_GRANTED": "\n".join(granted),
            "SANDBOX_PROTECTED_TAGS": "\n".join(one.name for one in tags),
            "SANDBOX_GRANTED_TAGS": "\n".join(granted_tags),
        }


def _has_credentials(request: web.Request) -> bool:
    return "Authorization" in request.headers


async def _feed(process: asyncio.subprocess.Process, request: web.Request) -> None:
    if process.stdin is None:
        return
    try:
        async for chunk in request.content.iter_chunked(CHUNK):
            process.stdin.write(chunk)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        process.stdin.close()


async def _relay(process: asyncio.subprocess.Process, request: web.Request, *, buffered: bool) -> web.StreamResponse:
    out = process.stdout
    if out is None:
        return web.Response(status=500)
    status, headers = await _cgi_head(out)
    if buffered:
        body = await out.read()
        await process.wait()
        return web.Response(status=status, headers=headers, body=body)
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    while chunk := await out.read(CHUNK):
        await response.write(chunk)
    await response.write_eof()
    await process.wait()
    return response


async def _cgi_head(out: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    while line := (await out.readline()).decode().strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name.lower() != "content-length":
            headers[name] = value.strip()
    return status, headers


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        process.kill()
    except ProcessLookupError:
        return
    finally:
        await process.wait()
