"""Files and folders of a repository."""

import base64
from hashlib import sha256

from bot.sandbox.gitlab.answers import Reply, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.problems import bad_parameter, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.routing import RouteTable

ROUTES = RouteTable()


@ROUTES.get("/projects/:id/repository/files/:file_path", scopes=("read_repository",))
async def get_file(call: Call) -> Reply:
    if call.value("ref") is None:
        raise bad_parameter("ref is missing")
    project, sha, content = await _file(call)
    path = call.path["file_path"]
    last = await project.repository.log(sha, limit=1, paths=(path,))
    listed = (await project.repository.git("ls-tree", "-z", sha, "--", path)).decode()
    return ok(
        {
            "file_name": path.rsplit("/", 1)[-1],
            "file_path": path,
            "size": len(content),
            "encoding": "base64",
            "content": base64.b64encode(content).decode(),
            "content_sha256": sha256(content).hexdigest(),
            "ref": call.text("ref"),
            "blob_id": listed.split()[2],
            "commit_id": sha,
            "last_commit_id": last[0].sha if last else sha,
            "execute_filemode": listed.startswith("100755"),
        }
    )


@ROUTES.get("/projects/:id/repository/files/:file_path/raw", scopes=("read_repository",))
async def get_raw_file(call: Call) -> Reply:
    _, sha, content = await _file(call)
    return Reply(raw=content, headers={"Content-Type": "text/plain; charset=utf-8", "X-Gitlab-Commit-Id": sha})


@ROUTES.get("/projects/:id/repository/tree", scopes=("read_repository",))
async def list_tree(call: Call) -> Reply:
    project = call.project(code=True)
    sha = await project.repository.resolve(call.text("ref") or project.default_branch)
    if sha is None:
        raise not_found("Tree")
    entries = await project.repository.tree(sha, call.text("path"), recursive=call.flag("recursive"))
    if entries is None:
        raise not_found("invalid revision or path")
    # GitLab lists folders before files.
    entries.sort(key=lambda entry: (entry.type != "tree", entry.path))
    return page(
        call,
        entries,
        lambda one: {
            "id": one.sha,
            "name": one.path.rsplit("/", 1)[-1],
            "type": one.type,
            "path": one.path,
            "mode": one.mode,
        },
    )


async def _file(call: Call) -> tuple[Project, str, bytes]:
    project = call.project(code=True)
    sha = await project.repository.resolve(call.text("ref") or project.default_branch)
    if sha is None:
        raise not_found("Commit")
    content = await project.repository.blob(sha, call.path["file_path"])
    if content is None:
        raise not_found("File")
    return project, sha, content
