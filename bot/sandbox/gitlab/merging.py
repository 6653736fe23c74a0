"""Merges and rebases: real ones, in the bare repository, with GitLab's refusals in GitLab's order."""

from dataclasses import dataclass

from bot.sandbox.gitlab.access import may_merge
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.merge_requests import tell
from bot.sandbox.gitlab.mergeability import ACTIVE, blocked_by, check, git_blocks, head_pipeline
from bot.sandbox.gitlab.notes import add_system_note
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.post_receive import after_refs_moved
from bot.sandbox.gitlab.problems import conflict, not_allowed, unauthorized, unprocessable
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import MergeRequest, Pipeline
from bot.sandbox.gitlab.repository import ZERO_SHA, RefChange
from bot.sandbox.gitlab.repository_writes import commit_tree, merged_tree, rebased, signature_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeWish:
    """What a merge call asks for."""

    sha: str | None = None
    squash: bool | None = None
    remove_source_branch: bool | None = None
    auto_merge: bool = False
    merge_message: str | None = None
    squash_message: str | None = None


async def accept(lab: Instance, project: Project, mr: MergeRequest, user: User, wish: MergeWish) -> None:
    """Merge now, or arm auto-merge; raises 401, 405, 409 or 422 (lib/api/merge_requests.rb, `merge`)."""
    if not may_merge(lab, user, project, mr.target_branch):
        raise unauthorized()
    reason = blocked_by(lab, project, mr)
    arm = wish.auto_merge and reason in ("ci_still_running", "ci_must_pass", None) and _pipeline_active(project, mr)
    if mr.merge_status == "preparing" or (reason is not None and not arm):
        raise not_allowed()
    if mr.merge_status in ("unchecked", "checking"):
        raise unprocessable("Branch cannot be merged")
    if wish.sha is not None and wish.sha != mr.head_sha:
        raise conflict(f"SHA does not match HEAD of source branch: {mr.head_sha}")
    if arm:
        mr.auto_merge_by = user
        return
    async with project.repository.lock:
        await check(project, mr)
        if git_blocks(project, mr) is not None:
            raise unprocessable("Branch cannot be merged")
        await _merge(lab, project, mr, user, wish)


async def merge_when_green(lab: Instance, project: Project, pipeline: Pipeline) -> None:
    """Carry out auto-merges that waited for this pipeline."""
    for mr in list(project.merge_requests.values()):
        if mr.auto_merge_by is None or mr.state != "opened" or head_pipeline(project, mr) is not pipeline:
            continue
        if pipeline.status == "success" and blocked_by(lab, project, mr) is None:
            async with project.repository.lock:
                await check(project, mr)
                if git_blocks(project, mr) is None:
                    await _merge(lab, project, mr, mr.auto_merge_by, MergeWish())


async def rebase(lab: Instance, project: Project, mr: MergeRequest, user: User, *, skip_ci: bool) -> None:
    """Rewrite the source branch on top of the target; a conflict is told in `merge_error`."""
    repository = project.repository
    async with repository.lock:
        target, head = repository.branch(mr.target_branch), repository.branch(mr.source_branch)
        tip = await rebased(repository, head, target, signature_of(user, lab.now())) if head and target else None
        if tip is None:
            mr.merge_error = "Rebase failed: Rebase locally, resolve all conflicts, then push the branch."
        elif tip != head:
            mr.merge_error = None
            change = await repository.set_ref(f"refs/heads/{mr.source_branch}", tip, expected=head)
            await after_refs_moved(lab, project, [change], user, pipelines=not skip_ci)
    mr.rebase_in_progress = False


def _pipeline_active(project: Project, mr: MergeRequest) -> bool:
    pipeline = head_pipeline(project, mr)
    return pipeline is not None and pipeline.status in ACTIVE


async def _merge(lab: Instance, project: Project, mr: MergeRequest, user: User, wish: MergeWish) -> None:
    repository = project.repository
    target = repository.branch(mr.target_branch) or ZERO_SHA
    squash = project.squash_option == "always" or (
        project.squash_option != "never" and (mr.squash if wish.squash is None else wish.squash)
    )
    tip = mr.head_sha
    if squash:
        tip = await _squashed(lab, project, mr, user, wish)
        mr.squash_commit_sha = tip
    if project.merge_method != "ff":
        tip = await _merge_commit(lab, project, mr, user, wish, target, tip)
        mr.merge_commit_sha = tip
    mr.state, mr.merged_at, mr.merge_user, mr.updated_at = "merged", lab.now(), user, lab.now()
    mr.auto_merge_by, mr.merge_error = None, None
    moved = [await repository.set_ref(f"refs/heads/{mr.target_branch}", tip, expected=target)]
    moved += await _remove_source(lab, project, mr, wish)
    add_system_note(lab, mr, user, "merged")
    await tell(lab, project, mr, user, action="merge", changes={"state_id": {"previous": 1, "current": 3}})
    await after_refs_moved(lab, project, moved, user)


async def _squashed(lab: Instance, project: Project, mr: MergeRequest, user: User, wish: MergeWish) -> str:
    base = mr.base_sha or ZERO_SHA
    message = wish.squash_message or mr.title
    author = signature_of(mr.author, lab.now())
    return await commit_tree(project.repository, f"{mr.head_sha}^{{tree}}", [base], message, author)


async def _merge_commit(
    lab: Instance, project: Project, mr: MergeRequest, user: User, wish: MergeWish, target: str, tip: str
) -> str:
    tree = await merged_tree(project.repository, target, tip)
    if tree is None:
        raise unprocessable("Branch cannot be merged")
    words = [f"Merge branch '{mr.source_branch}' into '{mr.target_branch}'", mr.title]
    words.append(f"See merge request {project.path_with_namespace}!{mr.iid}")
    message = wish.merge_message or "\n\n".join(words)
    return await commit_tree(project.repository, tree, [target, tip], message, signature_of(user, lab.now()))


async def _remove_source(lab: Instance, project: Project, mr: MergeRequest, wish: MergeWish) -> list[RefChange]:
    """Protected branches and the default branch stay, whatever was asked."""
    asked = mr.force_remove_source_branch if wish.remove_source_branch is None else wish.remove_source_branch
    if not asked or project.protection(mr.source_branch) or mr.source_branch == project.default_branch:
        return []
    if project.repository.branch(mr.source_branch) != mr.head_sha:
        return []
    return [await project.repository.set_ref(f"refs/heads/{mr.source_branch}", ZERO_SHA)]
