"""Registries on loopback for the time of a block: each with TLS, and with one user of its own who may read and write.

They are the real `distribution`, which has no referrers API: what was said of an image lies under its fallback tag.
"""

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_process import free_ports, running
from tools_at_hand import binary

# bcrypt of `<name>-password`, cost 4; distribution reads no other form.
HASHES = {
    "build": "$2b$04$EGGTjyv/jANxO5CA85h1Y.DM29QHORQt4Ld19Aj/gXoiU.QQrYeL2",
    "staging": "$2b$04$KqxU7Q8F2gyoOpnydRGYTeP/mR0Zz5vnFPhoUh30.9hC.3Fqft1yK",
    "production": "$2b$04$pdyiAv8zBVlnPTIXimmt4O1o10zHi6EOwk9Cvps9IzSc7cssDEwje",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """The registries by name. authority: the certificate to trust, as a PEM file."""

    hosts: Mapping[str, str]
    authority: Path
    credentials: Path

    @staticmethod
    def password(name: str) -> str:
        """Of the registry's one user, who has the registry's name."""
        return f"{name}-password"

    def crane(self, *arguments: str) -> str:
        """What crane says, with the credentials of all registries; CalledProcessError when it fails."""
        return subprocess.run(
            [binary("crane"), *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env={"DOCKER_CONFIG": str(self.credentials), "SSL_CERT_FILE": str(self.authority), "HOME": "/nonexistent"},
        ).stdout.strip()

    def tags(self, repository: str) -> set[str]:
        """The tags of a repository; none when it is not there."""
        try:
            return set(self.crane("ls", repository).split())
        except subprocess.CalledProcessError as error:
            if "NAME_UNKNOWN" in error.stderr:
                return set()
            raise


@contextmanager
def running_registries(folder: Path) -> Iterator[Registries]:
    """The registries `build`, `staging` and `production`, empty."""
    ports = free_ports(2 * len(HASHES))
    certificate, key = _certificate(folder)
    hosts: dict[str, str] = {}
    with ExitStack() as stack:
        for (name, secret), port, health in zip(HASHES.items(), ports[::2], ports[1::2], strict=True):
            hosts[name] = f"127.0.0.1:{port}"
            (folder / f"{name}.htpasswd").write_text(f"{name}:{secret}\n", "utf-8")
            settings = folder / f"{name}.yml"
            settings.write_text(json.dumps(_settings(name, folder, port, health, certificate, key)), "utf-8")
            stack.enter_context(
                running(
                    f"registry {name}",
                    [str(binary("registry")), "serve", str(settings)],
                    environment={"OTEL_TRACES_EXPORTER": "none"},
                    log_file=folder / f"{name}.log",
                    ready_at=f"http://127.0.0.1:{health}/debug/health",
                )
            )
        yield Registries(hosts=hosts, authority=certificate, credentials=_credentials(folder, hosts))


def _settings(name: str, folder: Path, port: int, health: int, certificate: Path, key: Path) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / f"{name}.data")}, "delete": {"enabled": True}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {"certificate": str(certificate), "key": str(key)},
            "debug": {"addr": f"127.0.0.1:{health}"},
        },
        "auth": {"htpasswd": {"realm": name, "path": str(folder / f"{name}.htpasswd")}},
    }


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "registries.crt", folder / "registries.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=registries", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return certificate, key


def _credentials(folder: Path, hosts: Mapping[str, str]) -> Path:
    """A Docker configuration folder with everybody's credentials, for tests to look into the registries."""
    known = Path(tempfile.mkdtemp(dir=folder))
    auths = {
        host: {"auth": base64.b64encode(f"{name}:{Registries.password(name)}".encode()).decode()}
        for name, host in hosts.items()
    }
    (known / "config.json").write_text(json.dumps({"auths": auths}), "utf-8")
    return known
