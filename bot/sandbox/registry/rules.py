"""What the embedded registry models, and where each rule is known from."""

from bot.sandbox.rules import Rule

SPEC = "OCI distribution spec v1.1"

RULES = (
    Rule(
        id="manifest-by-content",
        says="a manifest's digest is the hash of its exact bytes; put by another digest is 400",
        known="S",
        source=f"{SPEC}, Pushing Manifests",
    ),
    Rule(
        id="manifest-parts-first",
        says="a manifest whose blobs or manifests are not in the repository is refused",
        known="S",
        source=f"{SPEC}, Pushing Manifests; distribution answers 404 MANIFEST_BLOB_UNKNOWN",
    ),
    Rule(
        id="manifest-accept",
        says="a manifest whose type is not in Accept is 404",
        known="S",
        source="distribution, registry/handlers/manifests.go",
    ),
    Rule(id="digest-header", says="Docker-Content-Digest on every manifest and blob answer", known="S", source=SPEC),
    Rule(
        id="tags-pages", says="tags sorted, `n` after `last`, Link rel=next", known="S", source=f"{SPEC}, Listing Tags"
    ),
    Rule(
        id="referrers",
        says="an index of the manifests with this subject; OCI-Filters-Applied; empty is 200; OCI-Subject",
        known="S",
        source=f"{SPEC}, Listing Referrers",
    ),
    Rule(
        id="chunks-in-order",
        says="a chunk that does not begin where the last one ended is 416",
        known="S",
        source=f"{SPEC}, Pushing a blob in chunks",
    ),
    Rule(
        id="mount",
        says="a mount of a blob the source has is 201, else an upload begins with 202",
        known="S",
        source=f"{SPEC}, Mounting a blob from another repository",
    ),
    Rule(
        id="challenge",
        says="no or wrong credentials: 401 with WWW-Authenticate: Basic; known but not allowed: 403 DENIED",
        known="S",
        source="distribution, registry/auth/htpasswd",
    ),
    Rule(
        id="delete",
        says="a tag or a manifest is deleted with 202; its tags go with a manifest",
        known="S",
        source=f"{SPEC}, Content Management",
    ),
    Rule(
        id="notifications",
        says="events envelope v2 for manifests (layers ignored by configuration), in order, retried, in memory",
        known="D",
        source="distribution docs, Work with notifications",
    ),
    Rule(id="unmodelled", says="any other route is 501", known="N", source="our own: nothing is pretended"),
)
