"""What pipelines meet in tests: three registries, a key to sign with, and a vulnerability database of one advisory."""

import json
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline_runs import environment
from registries import Registries, running_registries
from tools_at_hand import binary

ADVISORY = "SLUICE-FIXTURE-1"
FLAWED = "sluice-fixture"
"""The npm package that the advisory is about; versions before 2.0.0 have CVSS 9.8. Both are made up."""
PASSPHRASE = "of the key"
DATABASE = {
    "schema_version": "1.6.0",
    "id": ADVISORY,
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "made up for tests",
    "affected": [
        {
            "package": {"ecosystem": "npm", "name": FLAWED},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}],
        }
    ],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The surroundings of a pipeline. key: private; the public one lies beside it."""

    folder: Path
    registries: Registries
    key: Path
    database: Path
    environment: Mapping[str, str]

    @property
    def public_key(self) -> Path:
        """What signatures are verified with."""
        return self.key.with_suffix(".pub")

    @property
    def variables(self) -> dict[str, str]:
        """The CI/CD variables that a group would have."""
        return {
            "COSIGN_PUBLIC_KEY": str(self.public_key),
            "OSV_DATABASE": str(self.database),
            "SSL_CERT_FILE": str(self.registries.authority),
        }

    def repository(self, registry: str) -> str:
        """Where one of the registries keeps the application's image."""
        return f"{self.registries.hosts[registry]}/demo/demo-service"

    def sign(self, image: str, key: Path | None = None, *, older: bool = False) -> None:
        """Sign an image by digest. older: as cosign 2 did, under a tag of its own."""
        key = key or self.key
        if older:
            form = ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"]
        else:
            self.cosign("signing-config", "create", "--out", str(key.parent / "signing.json"))
            form = ["--signing-config", str(key.parent / "signing.json")]
        self.cosign("sign", "--yes", "--key", str(key), *form, image)

    def is_signed(self, image: str) -> bool:
        """Whether the key has signed it, as the registry of the image says."""
        try:
            self.cosign("verify", "--key", str(self.public_key), "--insecure-ignore-tlog", image)
        except subprocess.CalledProcessError as error:
            if "no signatures found" not in error.stderr:
                raise
            return False
        return True

    def another_key(self) -> Path:
        """A key that nobody expects."""
        return new_key(self.folder / "other")

    def cosign(self, *arguments: str) -> str:
        """What cosign says, with the credentials of all registries."""
        variables = {
            "DOCKER_CONFIG": str(self.registries.credentials),
            "SSL_CERT_FILE": str(self.registries.authority),
            "COSIGN_PASSWORD": PASSPHRASE,
            "HOME": str(self.folder),
        }
        done = subprocess.run(
            [binary("cosign"), *arguments], check=True, capture_output=True, text=True, timeout=60, env=variables
        )
        return done.stdout


@contextmanager
def pipeline_world(folder: Path) -> Iterator[World]:
    """Everything, for the time of a block."""
    with running_registries(folder) as registries:
        yield World(
            folder=folder,
            registries=registries,
            key=new_key(folder / "key"),
            database=database(folder / "database", DATABASE),
            environment=environment(folder / "home"),
        )


def new_key(folder: Path) -> Path:
    """A key pair of cosign's; the private half."""
    folder.mkdir(exist_ok=True)
    variables = {"COSIGN_PASSWORD": PASSPHRASE, "HOME": str(folder)}
    subprocess.run(
        [binary("cosign"), "generate-key-pair"], cwd=folder, check=True, capture_output=True, timeout=60, env=variables
    )
    return folder / "cosign.key"


def database(folder: Path, *advisories: Mapping[str, object]) -> Path:
    """A database for osv-scanner that knows these npm advisories."""
    npm = folder / "osv-scalibr" / "npm"
    npm.mkdir(parents=True)
    with zipfile.ZipFile(npm / "all.zip", "w") as archive:
        for advisory in advisories:
            archive.writestr(f"{advisory['id']}.json", json.dumps(advisory))
    return folder


def installed(package: str, version: str) -> str:
    """What npm leaves of an installed package, for scanners to find."""
    return json.dumps({"lockfileVersion": 3, "packages": {f"node_modules/{package}": {"version": version}}})
