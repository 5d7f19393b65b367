"""Makes a root filesystem with one CPython where no registry has one: mmdebstrap, and a CPython from Maven."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.engine import build
from orchestrator.errors import Attribution, CellError, CellStatus, Phase, infra
from orchestrator.model import BaseSpec

# Read by nobody in a container; without them a root filesystem is a fifth smaller.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
# Parts of a relocatable CPython that nothing in a cell uses: its own tests, static libraries, another language's glue.
_ARTIFACT_LEFT_OUT = ("/test/", "/idlelib/", "/config-", "libjnipython.so", "/share/man/", "/lib2to3/tests/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rootfs:
    """A tar of a root filesystem and the packages in it ("name=version:architecture", sorted)."""

    tar: Path
    packages: tuple[str, ...]


def unavailable(detail: str) -> CellError:
    """The base can't be had here; the cell is not moved to another."""
    return CellError(Phase.START, CellStatus.UNAVAILABLE, "no-base", detail, attribution=Attribution.BASE)


def rootfs(spec: BaseSpec, folder: Path, log: Path, stopping: threading.Event) -> Rootfs:
    """Bootstraps `spec.suite` with `spec.packages` into a tar under `folder`.

    Raises CellError(start, unavailable) where mmdebstrap is not installed, CellError(infra) where it fails.
    """
    if shutil.which("mmdebstrap") is None:
        raise unavailable("mmdebstrap is not installed: apt-get install mmdebstrap")
    tar = folder / "rootfs.tar"
    command = ["mmdebstrap", "--variant=minbase", "--architectures=amd64", f"--include={','.join(spec.packages)}"]
    command += [f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT]
    ended = build.execute([*command, spec.suite, str(tar)], log, stopping=stopping)
    if ended.code != 0:
        raise infra(Phase.START, "bootstrap", _tail(ended.output))
    return Rootfs(tar=tar, packages=packages(tar))


def packages(tar: Path) -> tuple[str, ...]:
    """The Debian packages of a root filesystem, from its own record (/var/lib/dpkg/status)."""
    with tarfile.open(tar) as archive:
        member = next((m for m in archive if m.name.lstrip("./") == "var/lib/dpkg/status"), None)
        content = archive.extractfile(member) if member else None
        if content is None:
            raise infra(Phase.START, "bootstrap", f"{tar.name} contains no package record")
        text = content.read().decode("utf-8", "replace")
    found = []
    for stanza in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
        if "Package" in fields:
            found.append(f"{fields['Package']}={fields.get('Version', '')}:{fields.get('Architecture', '')}")
    return tuple(sorted(found))


def artifact(spec: BaseSpec, folder: Path, log: Path, stopping: threading.Event) -> str:
    """Fetches `spec.artifact`, unpacks its CPython as `folder`/python; returns the artifact's sha256.

    Raises CellError(start, unavailable) where Maven is not installed, CellError(infra) where it fails.
    """
    if shutil.which("mvn") is None:
        raise unavailable(f"Maven, which fetches {spec.artifact}, is not installed: apt-get install maven")
    fetched = folder / "artifact"
    command = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={spec.artifact}", f"-DoutputDirectory={fetched}"]
    ended = build.execute(command, log, stopping=stopping)
    archives = sorted(fetched.glob("*.jar"))
    if ended.code != 0 or not archives:
        raise infra(Phase.START, "bootstrap", _tail(ended.output))
    unpack(archives[0], spec.artifact_prefix, folder / "python")
    digest = hashlib.sha256(archives[0].read_bytes()).hexdigest()
    shutil.rmtree(fetched)
    return digest


def unpack(archive: Path, prefix: str, target: Path) -> None:
    """Unpacks what lies under `prefix` of a zip file. Java's carry no modes: programs are made executable."""
    with zipfile.ZipFile(archive) as source:
        for name in source.namelist():
            inside = PurePosixPath(name)
            if name.endswith("/") or not inside.is_relative_to(prefix):
                continue
            relative = inside.relative_to(prefix)
            if ".." in relative.parts or any(part in f"/{relative}" for part in _ARTIFACT_LEFT_OUT):
                continue
            path = target / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read(name))
            path.chmod(0o755 if relative.parts[0] == "bin" or ".so" in relative.name else 0o644)


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-15:])
