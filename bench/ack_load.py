"""A generated push of about 6 KB, signed anew for each delivery as GitLab signs it."""

import base64
import hmac
import json
import time
from uuid import uuid4

KEY = bytes(range(32))
SIGNING_TOKEN = "whsec_" + base64.b64encode(KEY).decode()


def push_body() -> bytes:
    """The shape of a Push Hook with 15 commits."""
    commits = [
        {
            "id": f"{number:040x}",
            "message": f"Change the price of article {number}\n\nBecause the supplier changed theirs.\n",
            "timestamp": "2026-11-23T07:19:10+00:00",
            "url": f"https://gitlab.example.com/shop/app/-/commit/{number:040x}",
            "author": {"name": "Developer", "email": "developer@example.com"},
            "modified": [f"articles/{number}.yaml"],
        }
        for number in range(15)
    ]
    project = {"id": 15, "path_with_namespace": "shop/app", "default_branch": "main", "visibility_level": 0}
    content = {"object_kind": "push", "before": "a" * 40, "after": "b" * 40, "ref": "refs/heads/main"}
    return json.dumps(content | {"project": project, "commits": commits}).encode()


def signed_request(body: bytes) -> bytes:
    """One HTTP/1.1 request with the headers of GitLab 19 and a signature of this second."""
    delivery, timestamp = str(uuid4()), str(int(time.time()))
    digest = hmac.digest(KEY, f"{delivery}.{timestamp}.".encode() + body, "sha256")
    signature = base64.b64encode(digest).decode()
    head = (
        "POST /hooks/gitlab HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "User-Agent: GitLab/19.5.0-ee\r\nX-Gitlab-Event: Push Hook\r\nX-Gitlab-Instance: https://gitlab.example.com\r\n"
        f"X-Gitlab-Webhook-UUID: {delivery}\r\nX-Gitlab-Event-UUID: {delivery}\r\nIdempotency-Key: {delivery}\r\n"
        f"webhook-id: {delivery}\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: v1,{signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
