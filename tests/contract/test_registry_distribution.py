"""The embedded registry keeps the OCI distribution rules, as any client sees them over HTTP."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.registry import Account, Registry
from bot.sandbox.registry.images import build
from bot.sandbox.traffic import Fault

LABELS = {"org.opencontainers.image.revision": "a" * 40, "org.opencontainers.image.version": "1.0.0"}
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def credentials(name: str, password: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(name, password)}


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    running = Registry(
        "demo", tmp_path, lambda: datetime(2026, 1, 1, tzinfo=UTC), accounts=(Account(name="ci", password="secret"),)
    )
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def http(registry: Registry) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(registry.url, headers=credentials("ci", "secret")) as session:
        yield session


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def push_blob(http: aiohttp.ClientSession, repository: str, content: bytes) -> str:
    digest = digest_of(content)
    async with http.post(f"/v2/{repository}/blobs/uploads/", params={"digest": digest}, data=content) as response:
        assert response.status == 201
    return digest


async def push_whole_image(http: aiohttp.ClientSession, repository: str, tag: str) -> str:
    image = build(LABELS, platforms=("linux/amd64", "linux/arm64"))
    for blob in image.blobs:
        await push_blob(http, repository, blob)
    for body in image.manifests:
        path = f"/v2/{repository}/manifests/{digest_of(body)}"
        assert (await http.put(path, data=body, headers={"Content-Type": MANIFEST})).status == 201
    path = f"/v2/{repository}/manifests/{tag}"
    assert (await http.put(path, data=image.index, headers={"Content-Type": INDEX})).status == 201
    return digest_of(image.index)


async def test_an_image_pushed_over_http_is_read_back_by_tag_and_by_digest(http: aiohttp.ClientSession) -> None:
    digest = await push_whole_image(http, "demo/app", "1.0.0")

    by_tag = await http.get("/v2/demo/app/manifests/1.0.0", headers={"Accept": INDEX})
    by_digest = await http.get(f"/v2/demo/app/manifests/{digest}", headers={"Accept": INDEX})

    assert by_tag.headers["Docker-Content-Digest"] == digest
    assert by_tag.headers["Content-Type"] == INDEX
    assert await by_tag.read() == await by_digest.read()
    platforms = [entry["platform"]["architecture"] for entry in json.loads(await by_tag.read())["manifests"]]
    assert platforms == ["amd64", "arm64"]


async def test_the_config_blob_carries_the_revision_label(http: aiohttp.ClientSession) -> None:
    await push_whole_image(http, "demo/app", "1.0.0")

    index = await (await http.get("/v2/demo/app/manifests/1.0.0")).json(content_type=None)
    child = index["manifests"][0]["digest"]
    manifest = await (await http.get(f"/v2/demo/app/manifests/{child}")).json(content_type=None)
    config = await (await http.get(f"/v2/demo/app/blobs/{manifest['config']['digest']}")).json(content_type=None)

    assert config["config"]["Labels"] == LABELS


async def test_head_of_a_manifest_has_length_and_digest_but_no_body(http: aiohttp.ClientSession) -> None:
    digest = await push_whole_image(http, "demo/app", "1.0.0")

    response = await http.head("/v2/demo/app/manifests/1.0.0")

    assert response.headers["Docker-Content-Digest"] == digest
    assert int(response.headers["Content-Length"]) > 0
    assert await response.read() == b""


async def test_a_type_that_is_not_accepted_is_not_found(http: aiohttp.ClientSession) -> None:
    await push_whole_image(http, "demo/app", "1.0.0")

    response = await http.get("/v2/demo/app/manifests/1.0.0", headers={"Accept": MANIFEST})

    assert response.status == 404
    assert (await response.json())["errors"][0]["code"] == "MANIFEST_UNKNOWN"


async def test_a_manifest_before_its_blobs_is_refused(http: aiohttp.ClientSession) -> None:
    body = build(LABELS, platforms=("linux/amd64",)).manifests[0]

    response = await http.put("/v2/demo/app/manifests/1.0.0", data=body, headers={"Content-Type": MANIFEST})

    assert response.status == 404
    assert (await response.json())["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"


async def test_a_manifest_put_under_another_digest_is_refused(http: aiohttp.ClientSession) -> None:
    await push_whole_image(http, "demo/app", "1.0.0")
    body = build(LABELS, platforms=("linux/amd64",)).manifests[0]

    path = f"/v2/demo/app/manifests/{digest_of(b'else')}"
    response = await http.put(path, data=body, headers={"Content-Type": MANIFEST})

    assert (response.status, (await response.json())["errors"][0]["code"]) == (400, "DIGEST_INVALID")


async def test_a_chunked_upload_becomes_one_blob(http: aiohttp.ClientSession) -> None:
    begun = await http.post("/v2/demo/app/blobs/uploads/")
    where = begun.headers["Location"]
    first = await http.patch(where, data=b"hello ", headers={"Content-Range": "0-5"})
    await http.patch(where, data=b"world", headers={"Content-Range": "6-10"})
    done = await http.put(where, params={"digest": digest_of(b"hello world")})

    blob = await http.get(f"/v2/demo/app/blobs/{digest_of(b'hello world')}")

    assert (begun.status, first.status, first.headers["Range"], done.status) == (202, 202, "0-5", 201)
    assert await blob.read() == b"hello world"


async def test_a_chunk_out_of_order_is_416_and_says_how_far_the_upload_is(http: aiohttp.ClientSession) -> None:
    where = (await http.post("/v2/demo/app/blobs/uploads/")).headers["Location"]
    await http.patch(where, data=b"hello", headers={"Content-Range": "0-4"})

    response = await http.patch(where, data=b"world", headers={"Content-Range": "9-13"})

    assert (response.status, response.headers["Range"]) == (416, "0-4")


async def test_an_upload_with_another_digest_is_refused(http: aiohttp.ClientSession) -> None:
    response = await http.post("/v2/demo/app/blobs/uploads/", params={"digest": digest_of(b"a")}, data=b"b")

    assert (response.status, (await response.json())["errors"][0]["code"]) == (400, "DIGEST_INVALID")


async def test_a_blob_is_mounted_from_the_repository_that_has_it(http: aiohttp.ClientSession) -> None:
    digest = await push_blob(http, "demo/app", b"layer")

    mounted = await http.post("/v2/prod/app/blobs/uploads/", params={"mount": digest, "from": "demo/app"})
    missing = await http.post("/v2/prod/app/blobs/uploads/", params={"mount": digest_of(b"?"), "from": "demo/app"})

    assert (mounted.status, missing.status) == (201, 202)
    assert (await http.head(f"/v2/prod/app/blobs/{digest}")).status == 200


async def test_tags_come_in_pages_linked_to_the_next(http: aiohttp.ClientSession, registry: Registry) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        registry.push_image("demo/app", version, {"v": version})

    first = await http.get("/v2/demo/app/tags/list", params={"n": "2"})
    second = await http.get(str(first.links["next"]["url"]))

    assert (await first.json())["tags"] == ["1.0.0", "1.1.0"]
    assert (await second.json())["tags"] == ["1.2.0"]
    assert "next" not in second.links


async def test_a_signature_is_found_as_referrer_of_its_subject(http: aiohttp.ClientSession) -> None:
    subject = await push_whole_image(http, "demo/app", "1.0.0")
    config = await push_blob(http, "demo/app", b"{}")
    signature = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.signature",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
        "layers": [],
        "subject": {"mediaType": INDEX, "digest": subject, "size": 1},
    }
    body = json.dumps(signature).encode()
    put = await http.put(f"/v2/demo/app/manifests/{digest_of(body)}", data=body, headers={"Content-Type": MANIFEST})

    every = await http.get(f"/v2/demo/app/referrers/{subject}")
    other = await http.get(f"/v2/demo/app/referrers/{subject}", params={"artifactType": "application/vnd.else"})

    assert put.headers["OCI-Subject"] == subject
    assert every.headers["Content-Type"] == INDEX
    assert [one["digest"] for one in (await every.json(content_type=None))["manifests"]] == [digest_of(body)]
    assert (await other.json(content_type=None))["manifests"] == []
    assert other.headers["OCI-Filters-Applied"] == "artifactType"


async def test_a_deleted_tag_is_gone_and_its_manifest_stays(http: aiohttp.ClientSession) -> None:
    digest = await push_whole_image(http, "demo/app", "1.0.0")

    deleted = await http.delete("/v2/demo/app/manifests/1.0.0")

    assert deleted.status == 202
    assert (await http.head("/v2/demo/app/manifests/1.0.0")).status == 404
    assert (await http.head(f"/v2/demo/app/manifests/{digest}")).status == 200


async def test_a_push_without_credentials_is_challenged(registry: Registry) -> None:
    async with aiohttp.ClientSession(registry.url) as nobody:
        response = await nobody.post("/v2/demo/app/blobs/uploads/")

        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Basic realm="demo"'


async def test_a_closed_registry_challenges_even_a_pull_and_refuses_what_an_account_may_not(tmp_path: Path) -> None:
    reader = Account(name="reader", password="r", may=frozenset({"pull"}))
    closed = Registry("prod", tmp_path, lambda: datetime.now(UTC), accounts=(reader,), anonymous=frozenset())
    await closed.start()
    async with aiohttp.ClientSession(closed.url) as nobody:
        anonymous = await nobody.get("/v2/")
        wrong = await nobody.get("/v2/", headers=credentials("reader", "wrong"))
        known = await nobody.get("/v2/", headers=credentials("reader", "r"))
        push = await nobody.post("/v2/a/blobs/uploads/", headers=credentials("reader", "r"))
    await closed.stop()

    assert [anonymous.status, wrong.status, known.status, push.status] == [401, 401, 200, 403]


async def test_equal_content_has_equal_digests_and_salt_changes_them(registry: Registry) -> None:
    first = registry.push_image("demo/app", "1.0.0", LABELS)
    again = registry.push_image("demo/other", "1.0.0", LABELS)
    salted = registry.push_image("demo/app", "1.0.0", LABELS, salt="rebuilt")

    assert first == again
    assert salted != first


async def test_an_unmodelled_route_says_so(http: aiohttp.ClientSession) -> None:
    response = await http.get("/v2/demo/app/attestations/x")

    assert response.status == 501


async def test_a_told_fault_hits_as_often_as_it_was_asked_for(http: aiohttp.ClientSession, registry: Registry) -> None:
    registry.traffic.faults.append(Fault(kind="status", status=429, retry_after=3, times=1))

    limited = await http.get("/v2/")
    after = await http.get("/v2/")

    assert (limited.status, limited.headers["Retry-After"], after.status) == (429, "3", 200)
