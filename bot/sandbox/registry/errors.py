"""A registry's refusals: an HTTP status and the error document of the OCI distribution specification."""

import json
from collections.abc import Mapping

from aiohttp import web

# OCI distribution spec v1.1, "Error Codes".
MESSAGES = {
    "BLOB_UNKNOWN": "blob unknown to registry",
    "BLOB_UPLOAD_INVALID": "blob upload invalid",
    "BLOB_UPLOAD_UNKNOWN": "blob upload unknown to registry",
    "DENIED": "requested access to the resource is denied",
    "DIGEST_INVALID": "provided digest did not match uploaded content",
    "MANIFEST_BLOB_UNKNOWN": "manifest references a manifest or blob unknown to registry",
    "MANIFEST_INVALID": "manifest invalid",
    "MANIFEST_UNKNOWN": "manifest unknown to registry",
    "NAME_INVALID": "invalid repository name",
    "NAME_UNKNOWN": "repository name not known to registry",
    "SIZE_INVALID": "provided length did not match content length",
    "TAG_INVALID": "manifest tag did not match URI",
    "UNAUTHORIZED": "authentication required",
    "UNSUPPORTED": "the operation is not modelled by this sandbox",
}


class Refused(Exception):
    """A request the registry does not fulfil."""

    def __init__(self, status: int, code: str, *, detail: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {MESSAGES[code]} {detail}".strip())
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The specification's error document."""
        error = {"code": self.code, "message": MESSAGES[self.code], "detail": self.detail}
        return web.Response(
            status=self.status,
            headers=self.headers,
            content_type="application/json",
            body=json.dumps({"errors": [error]}).encode(),
        )
