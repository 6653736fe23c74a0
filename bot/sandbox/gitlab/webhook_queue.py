"""Webhooks leave here: signed, with GitLab's headers, blocked when they recurse, disabled when they keep failing."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp

from bot.sandbox.gitlab.chains import CURRENT_CHAIN, Chain

if TYPE_CHECKING:
    from bot.sandbox.gitlab.instance import Instance
    from bot.sandbox.gitlab.projects import Project
    from bot.sandbox.gitlab.records import Hook

VERSION = "19.5.0-ee"
"""The GitLab this sandbox says it is, to API readers and in the User-Agent of its webhooks."""
HEADER_OF_EVENT: Mapping[str, str] = {
    "push_events": "Push Hook",
    "tag_push_events": "Tag Push Hook",
    "merge_requests_events": "Merge Request Hook",
    "note_events": "Note Hook",
    "confidential_note_events": "Confidential Note Hook",
    "pipeline_events": "Pipeline Hook",
    "job_events": "Job Hook",
    "deployment_events": "Deployment Hook",
    "emoji_events": "Emoji Hook",
    "issues_events": "Issue Hook",
    "confidential_issues_events": "Confidential Issue Hook",
    "releases_events": "Release Hook",
}
SENDING_TIMEOUT = 10.0
"""Seconds a receiver has to answer (GitLab docs: webhooks, timeouts)."""
CHAIN_LIMIT = 100
CHAIN_MEMORY = timedelta(minutes=30)
FAILURES_BEFORE_PAUSE = 4
FAILURES_BEFORE_END = 40
LONGEST_PAUSE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to send one event: what was sent and what came back (status None: nothing did)."""

    hook_id: int
    event: str
    url: str
    idempotency_key: str
    event_uuid: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    at: datetime


class WebhookQueue:
    """Sends each event to the hooks that want it. Order is not promised, as GitLab does not promise it either."""

    def __init__(self, lab: "Instance") -> None:
        self.lab = lab
        self.auto_disable = False
        """On at GitLab.com, off by default on a GitLab of one's own (GitLab docs: auto-disabled webhooks)."""
        self.deliveries: deque[Delivery] = deque(maxlen=5_000)
        self.blocked: list[tuple[int, str]] = []
        """(hook id, event UUID) of what recursion detection stopped."""
        self._chains: dict[str, tuple[datetime, set[int]]] = {}
        self._session: aiohttp.ClientSession | None = None

    def fire(self, project: "Project", event: str, payload: Mapping[str, object]) -> None:
        """Send one event of a project to its own, its group's and the instance's hooks."""
        body = json.dumps(payload).encode()
        for hook in self.lab.hooks_of(project):
            if event in hook.events:
                self.send(hook, event, body)

    def send(self, hook: "Hook", event: str, body: bytes, *, key: str | None = None) -> None:
        """Queue one delivery to one hook; with `key` it is a resend of an earlier one."""
        chain = CURRENT_CHAIN.get() or Chain()
        if not self._executable(hook) or self._recurses(hook, chain) or self._dropped():
            return
        uuid, key = chain.uuid_for(hook), key or str(uuid4())
        faults = self.lab.faults.hooks
        copies = {"no": [key], "same-key": [key, key], "second-hook": [key, str(uuid4())]}[faults.duplicate]
        for copy in copies:
            self.lab.spawn(self._deliver(hook, event, body, key=copy, uuid=uuid))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _dropped(self) -> bool:
        faults = self.lab.faults.hooks
        if faults.drop_next > 0:
            faults.drop_next -= 1
            return True
        return faults.drop_all or self.lab.faults.away

    def _executable(self, hook: "Hook") -> bool:
        if not self.auto_disable:
            return True
        return not hook.disabled_for_good and (hook.disabled_until is None or hook.disabled_until <= self.lab.now())

    def _recurses(self, hook: "Hook", chain: Chain) -> bool:
        """GitLab blocks only chains that came back by header (lib/gitlab/web_hooks/recursion_detection.rb)."""
        uuid, now = chain.uuid_for(hook), self.lab.now()
        touched, seen = self._chains.get(uuid, (now, set()))
        if now - touched > CHAIN_MEMORY:
            seen = set()
        if chain.received is not None and (hook.id in seen or len(seen) >= CHAIN_LIMIT):
            self.blocked.append((hook.id, uuid))
            return True
        self._chains[uuid] = (now, seen | {hook.id})
        return False

    async def _deliver(self, hook: "Hook", event: str, body: bytes, *, key: str, uuid: str) -> None:
        faults = self.lab.faults.hooks
        wait = faults.delay + random.uniform(0, faults.shuffle_within)
        if wait:
            await asyncio.sleep(wait)
        headers = self._headers(hook, event, body, key=key, uuid=uuid)
        status = await self._post(hook.url, body, headers)
        self.deliveries.append(
            Delivery(
                hook_id=hook.id,
                event=event,
                url=hook.url,
                idempotency_key=key,
                event_uuid=uuid,
                headers={**headers, **({"X-Gitlab-Token": "[REDACTED]"} if hook.token else {})},
                body=body,
                status=status,
                at=self.lab.now(),
            )
        )
        self._count(hook, succeeded=status is not None and 200 <= status < 400)

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SENDING_TIMEOUT))
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    def _headers(self, hook: "Hook", event: str, body: bytes, *, key: str, uuid: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"GitLab/{VERSION}",
            "Idempotency-Key": key,
            "X-Gitlab-Event": "System Hook" if hook in self.lab.system_hooks else HEADER_OF_EVENT[event],
            "X-Gitlab-Instance": self.lab.url,
            "X-Gitlab-Webhook-UUID": str(uuid4()),
            "X-Gitlab-Event-UUID": uuid,
        }
        if hook.token:
            headers["X-Gitlab-Token"] = hook.token
        if hook.signing_token:
            headers.update(signed_headers(hook.signing_token, key, int(self.lab.now().timestamp()), body))
        return headers

    def _count(self, hook: "Hook", *, succeeded: bool) -> None:
        if succeeded:
            hook.recent_failures = hook.backoff_count = 0
            hook.disabled_until = None
            return
        hook.recent_failures += 1
        if not self.auto_disable:
            return
        if hook.recent_failures >= FAILURES_BEFORE_END:
            hook.disabled_for_good = True
        elif hook.recent_failures >= FAILURES_BEFORE_PAUSE:
            hook.disabled_until = self.lab.now() + min(timedelta(minutes=2**hook.backoff_count), LONGEST_PAUSE)
            hook.backoff_count += 1


def signed_headers(signing_token: str, message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The three `webhook-*` headers of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`."""
    secret = base64.b64decode(signing_token.removeprefix("whsec_"))
    digest = hmac.new(secret, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
