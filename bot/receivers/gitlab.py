"""GitLab deliveries are taken from those who hold a live secret for what the body is about.

A signing token (Standard Webhooks) is preferred, and where a secret has one its plain token opens nothing any more.
Sources: GitLab "Webhooks" 19.x and its sender's code; header names by version in the recorded delivery headers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import HMAC

from bot.events import Unreadable
from bot.receivers.gitlab_bodies import Subject, named_subject, without_variables
from bot.receivers.json_edges import storable, storable_headers
from bot.receivers.scopes import Scope
from bot.receivers.signatures import is_fresh, presented_signatures, signature_matches, signed_prefix, signing_key
from bot.receivers.tokens import LiveTokens, digest_of
from bot.receivers.verdicts import RefusalCode, Refused, Verified

PLAIN = "x-gitlab-token"
SIGNATURE = "webhook-signature"
WEBHOOK_ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
IDEMPOTENCY_KEY = "idempotency-key"
KEPT_HEADERS = ("x-gitlab-event", "x-gitlab-event-uuid", "x-gitlab-instance")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitlabSecret:
    """The live secrets of one project, group or the instance; several of a kind while one is being rotated.

    tokens: the old secret tokens, refused as soon as there is a signing token. signing_tokens: `whsec_…`.
    """

    scope: Scope
    tokens: Sequence[str] = field(default=(), repr=False)
    signing_tokens: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class _Binding:
    scope: Scope
    name: str
    tokens: LiveTokens
    keys: tuple[HMAC, ...]


class GitlabReceiver:
    """The receiver of `/hooks/gitlab`."""

    def __init__(self, secrets: Sequence[GitlabSecret]) -> None:
        """PermanentError when a secret is empty or no `whsec_…`."""
        self._bindings = tuple(
            _Binding(
                secret.scope,
                str(secret.scope),
                LiveTokens.of(secret.tokens),
                tuple(signing_key(token) for token in secret.signing_tokens),
            )
            for secret in secrets
        )
        self._keys = tuple((binding, key) for binding in self._bindings for key in binding.keys)

    def claims(self, headers: Mapping[str, str]) -> bool:
        """Whether a signature or a token came along."""
        return SIGNATURE in headers or PLAIN in headers

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified | Refused:
        """Accept what a live secret proves and its scope admits."""
        proven = self._by_signature(headers, body)
        if proven and not is_fresh(headers.get(TIMESTAMP, ""), now):
            return Refused(code="too_old")
        # The sender's key; GitLab sends one value in both headers, and only `webhook-id` is covered by the signature.
        # X-Gitlab-Event-UUID is shared by a chain and X-Gitlab-Webhook-UUID is new for each attempt: neither is a key.
        key = headers.get(WEBHOOK_ID) if proven else headers.get(IDEMPOTENCY_KEY) or headers.get(WEBHOOK_ID)
        proven = proven or self._by_token(headers)
        if not proven:
            return Refused(code=self._reason(headers))
        subject = named_subject(body)
        admitted = _admitting(proven, subject)
        if admitted is None:
            return Refused(code="outside_scope")
        return Verified(
            scope=admitted.name,
            idempotency_key=storable(key) if key else "",
            headers=storable_headers(headers, KEPT_HEADERS),
            body=without_variables(body, subject),
        )

    def _by_signature(self, headers: Mapping[str, str], body: bytes) -> list[_Binding]:
        header = headers.get(SIGNATURE)
        if header is None:
            return []
        presented = presented_signatures(header)
        prefix = signed_prefix(headers.get(WEBHOOK_ID, ""), headers.get(TIMESTAMP, ""))
        return [binding for binding, key in self._keys if signature_matches(key, prefix, body, presented)]

    def _by_token(self, headers: Mapping[str, str]) -> list[_Binding]:
        # A signing token once set is never downgraded: a leaked plain token must not get round it.
        return [binding for binding in self._holding(headers) if not binding.keys]

    def _holding(self, headers: Mapping[str, str]) -> list[_Binding]:
        token = headers.get(PLAIN)
        if token is None:
            return []
        digest = digest_of(token)
        return [binding for binding in self._bindings if binding.tokens.match(digest)]

    def _reason(self, headers: Mapping[str, str]) -> RefusalCode:
        if SIGNATURE in headers:
            return "bad_signature"
        if PLAIN not in headers:
            return "no_credential"
        return "signature_required" if self._holding(headers) else "bad_token"


def _admitting(proven: Sequence[_Binding], subject: Subject | Unreadable) -> _Binding | None:
    if isinstance(subject, Unreadable):
        # Nothing can be acted upon in a body nobody can read; it is kept, marked unreadable.
        return proven[0]
    for binding in proven:
        if subject.within(binding.scope):
            return binding
    return None
